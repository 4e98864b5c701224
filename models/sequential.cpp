/// \file
/// VGG (https://arxiv.org/abs/1409.1556) and AlexNet (https://arxiv.org/abs/1404.5997) as torchvision builds
/// them.
///
/// Dropout is the identity at inference, and so is the adaptive average pool for a feature map that already
/// has its size (7 x 7 and 6 x 6, which is what 224 x 224 gives): inputs of any other size are refused.
#include <fmt/format.h>

#include <array>

#include "models/families.h"

namespace backdrop {
namespace {

constexpr int kHiddenUnits = 4096;
constexpr int kImageNetClasses = 1000;

void require_feature_map(int value, int size, const Architecture& architecture, const Assembly& assembly,
                         const TensorSource& tensors) {
  const ValueShape& map = assembly.shape(value);
  if (map.height == size && map.width == size) return;
  const ValueShape& input = assembly.shape(0);
  tensors.fail(
      fmt::format("{} needs a feature map of {} x {}, and an input of {} x {} gives {} x {}: use 224 x 224",
                  architecture.name, size, size, input.height, input.width, map.height, map.width));
}

/// Three linear layers, by their indices in `classifier`.
void classifier(std::array<int, 3> indices, int value, Assembly& assembly) {
  const auto name = [](int index) { return fmt::format("classifier.{}", index); };
  value = assembly.fully_connected(name(indices[0]), value, Activation::relu, kHiddenUnits);
  value = assembly.fully_connected(name(indices[1]), value, Activation::relu, kHiddenUnits);
  assembly.fully_connected(name(indices[2]), value, Activation::none, kImageNetClasses);
}

void assemble_vgg(const Architecture& architecture, Assembly& assembly, const TensorSource& tensors) {
  constexpr std::array<int, 5> kWidths = {64, 128, 256, 512, 512};
  int value = 0;
  int index = 0;
  for (std::size_t stage = 0; stage < kWidths.size(); ++stage) {
    for (int i = 0; i < architecture.convolutions[stage]; ++i) {
      ConvolutionSpec spec;
      spec.name = fmt::format("features.{}", index);
      if (architecture.batch_norm) spec.batch_norm = fmt::format("features.{}", index + 1);
      spec.bias = true;
      spec.input = value;
      spec.kernel = 3;
      spec.padding = 1;
      spec.usual_channels = kWidths[stage];
      value = assembly.convolution(spec);
      index += architecture.batch_norm ? 3 : 2;
    }
    value = assembly.max_pool(fmt::format("features.{}", index), value, 2, 2, 0);
    ++index;
  }
  require_feature_map(value, 7, architecture, assembly, tensors);
  classifier({0, 3, 6}, value, assembly);
}

void assemble_alexnet(const Architecture& architecture, Assembly& assembly, const TensorSource& tensors) {
  struct Convolution {
    int index, channels, kernel, stride, padding;
    bool pooled;
  };
  constexpr std::array<Convolution, 5> kConvolutions = {{
      {0, 64, 11, 4, 2, true},
      {3, 192, 5, 1, 2, true},
      {6, 384, 3, 1, 1, false},
      {8, 256, 3, 1, 1, false},
      {10, 256, 3, 1, 1, true},
  }};
  int value = 0;
  for (const Convolution& convolution : kConvolutions) {
    ConvolutionSpec spec;
    spec.name = fmt::format("features.{}", convolution.index);
    spec.bias = true;
    spec.input = value;
    spec.kernel = convolution.kernel;
    spec.stride = convolution.stride;
    spec.padding = convolution.padding;
    spec.usual_channels = convolution.channels;
    value = assembly.convolution(spec);
    if (convolution.pooled) {
      value = assembly.max_pool(fmt::format("features.{}", convolution.index + 2), value, 3, 2, 0);
    }
  }
  require_feature_map(value, 6, architecture, assembly, tensors);
  classifier({1, 4, 6}, value, assembly);
}

}  // namespace

void assemble_sequential(const Architecture& architecture, Assembly& assembly, const TensorSource& tensors) {
  if (architecture.family == Family::alexnet) {
    assemble_alexnet(architecture, assembly, tensors);
  } else {
    assemble_vgg(architecture, assembly, tensors);
  }
}

}  // namespace backdrop
