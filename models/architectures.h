/// \file
/// The architectures by name, and what a checkpoint's tensors say about which of them it is.
///
/// Structure as in torchvision 0.14 (resnet.py with the stride on the 3x3 convolution, vgg.py, alexnet.py)
/// and in MadryLab's robustness (leaky_resnet.py, wide_resnet50_3 to _5).
#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

#include "models/network.h"
#include "models/tensor_source.h"

namespace backdrop {

enum class Family { resnet, vgg, alexnet };

/// One named architecture. Widths are not part of it, except the ratios that tell ResNet variants apart.
struct Architecture {
  std::string name;
  Family family = Family::resnet;

  // ResNet
  std::array<int, 4> blocks{};  ///< residual blocks of layer1 to layer4
  bool bottleneck = false;      ///< three convolutions a block instead of two
  int groups = 1;               ///< of the bottleneck's 3x3 convolution
  int bottleneck_width = 1;     ///< width of layer1's 3x3 convolution over the stem's
  Activation activation = Activation::relu;

  // VGG
  std::array<int, 5> convolutions{};  ///< 3x3 convolutions before each pool
  bool batch_norm = false;
};

/// All of them, each plain variant before its leaky twin.
const std::vector<Architecture>& architectures();

/// By name; null if there is none.
const Architecture* find_architecture(const std::string& name);

/// Indices of the convolutions in `features` of VGG and AlexNet.
std::set<int> feature_convolutions(const Architecture& architecture);

/// What the tensors' names and shapes say.
struct Traits {
  bool resnet = false;  ///< has layer1.0...
  std::array<int, 4> blocks{};
  bool bottleneck = false;
  int groups = 0;              ///< 0 where layer1 does not say
  int bottleneck_width = 0;    ///< 0 where layer1 does not say, or it is no whole multiple of the stem
  std::set<int> convolutions;  ///< features.N.weight of rank 4

  /// For error messages: "a ResNet of 2-2-2-1 basic blocks".
  std::string text() const;
};

Traits read_traits(const TensorSource& tensors);

/// Whether the tensors can be of this architecture. Plain and leaky variants have the same tensors.
bool fits(const Architecture& architecture, const Traits& traits);

/// The first architecture that fits, hence a plain and never a leaky one; null if none does.
const Architecture* infer_architecture(const Traits& traits);

}  // namespace backdrop
