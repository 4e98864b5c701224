/// \file
/// State dicts with the right names and shapes, written independently of the builder: torchvision's ResNet,
/// VGG and AlexNet at any width. Weights are a fixed small pattern; batch normalisation is far from the
/// identity.
#pragma once

#include <array>
#include <string>

#include "loaders/checkpoint.h"

namespace backdrop {

struct ResNetOptions {
  std::array<int, 4> blocks{2, 2, 2, 2};
  bool bottleneck = false;
  int width = 4;             ///< of the stem
  int bottleneck_width = 1;  ///< times the stem's
  int groups = 1;
  int classes = 5;
};

struct VggOptions {
  std::array<int, 5> convolutions{1, 1, 2, 2, 2};
  bool batch_norm = false;
  int width = 2;  ///< of the first convolution
  int hidden = 6;
  int classes = 5;
};

Checkpoint synthetic_resnet(const ResNetOptions& options);
Checkpoint synthetic_vgg(const VggOptions& options);
/// `width` of the first convolution: 64 is torchvision's.
Checkpoint synthetic_alexnet(int width, int hidden, int classes);

/// A checkpoint of one of the known architectures, thin.
Checkpoint synthetic_checkpoint(const std::string& arch);
/// The same with torchvision's widths and 1000 classes.
Checkpoint full_size_checkpoint(const std::string& arch);

}  // namespace backdrop
