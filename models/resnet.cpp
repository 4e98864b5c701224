/// \file
/// ResNets as torchvision builds them ("V1.5": the stride is on the 3x3 convolution of a bottleneck):
/// https://arxiv.org/abs/1512.03385, https://arxiv.org/abs/1605.07146 (wide),
/// https://arxiv.org/abs/1611.05431 (ResNeXt).
#include <fmt/format.h>

#include "models/families.h"

namespace backdrop {
namespace {

/// Output channels of a bottleneck over its stage's nominal width.
constexpr int kExpansion = 4;

/// What the blocks of one stage share.
struct Stage {
  const Architecture& architecture;
  int width = 0;  ///< nominal width: the stem's, doubled at every further stage
  int channels() const { return architecture.bottleneck ? width * kExpansion : width; }
};

/// The value added at the end of a block: its input, or a strided 1x1 convolution of it where the shapes
/// differ.
int shortcut(const std::string& block, int input, int stride, int output_channels, Assembly& assembly) {
  if (stride == 1 && assembly.shape(input).channels == output_channels) return input;
  ConvolutionSpec spec;
  spec.name = block + ".downsample.0";
  spec.batch_norm = block + ".downsample.1";
  spec.input = input;
  spec.stride = stride;
  spec.activation = Activation::none;
  spec.usual_channels = output_channels;
  return assembly.convolution(spec);
}

/// Convolution `index` of a block, its window padded to keep the size.
ConvolutionSpec block_convolution(const std::string& block, int index, int kernel, const Stage& stage) {
  ConvolutionSpec spec;
  spec.name = fmt::format("{}.conv{}", block, index);
  spec.batch_norm = fmt::format("{}.bn{}", block, index);
  spec.kernel = kernel;
  spec.padding = kernel / 2;
  spec.activation = stage.architecture.activation;
  return spec;
}

int basic_block(const std::string& block, int input, int stride, const Stage& stage, Assembly& assembly) {
  ConvolutionSpec first = block_convolution(block, 1, 3, stage);
  first.input = input;
  first.stride = stride;
  first.usual_channels = stage.width;
  ConvolutionSpec second = block_convolution(block, 2, 3, stage);
  second.input = assembly.convolution(first);
  second.usual_channels = stage.channels();
  second.residual = shortcut(block, input, stride, assembly.output_channels(second), assembly);
  return assembly.convolution(second);
}

int bottleneck_block(const std::string& block, int input, int stride, const Stage& stage,
                     Assembly& assembly) {
  const int width = stage.width * stage.architecture.bottleneck_width;
  ConvolutionSpec reduce = block_convolution(block, 1, 1, stage);
  reduce.input = input;
  reduce.usual_channels = width;
  ConvolutionSpec spatial = block_convolution(block, 2, 3, stage);
  spatial.input = assembly.convolution(reduce);
  spatial.stride = stride;
  spatial.grouped = stage.architecture.groups > 1;
  spatial.usual_groups = stage.architecture.groups;
  spatial.usual_channels = width;
  ConvolutionSpec expand = block_convolution(block, 3, 1, stage);
  expand.input = assembly.convolution(spatial);
  expand.usual_channels = stage.channels();
  expand.residual = shortcut(block, input, stride, assembly.output_channels(expand), assembly);
  return assembly.convolution(expand);
}

int stem(const Architecture& architecture, Assembly& assembly) {
  ConvolutionSpec spec;
  spec.name = "conv1";
  spec.batch_norm = "bn1";
  spec.kernel = 7;
  spec.stride = 2;
  spec.padding = 3;
  spec.activation = architecture.activation;
  spec.usual_channels = 64;
  return assembly.convolution(spec);
}

}  // namespace

void assemble_resnet(const Architecture& architecture, Assembly& assembly) {
  int value = stem(architecture, assembly);
  Stage stage{architecture, assembly.shape(value).channels};
  value = assembly.max_pool("maxpool", value, 3, 2, 1);
  for (int layer = 0; layer < 4; ++layer) {
    for (int index = 0; index < architecture.blocks[layer]; ++index) {
      const std::string block = fmt::format("layer{}.{}", layer + 1, index);
      const int stride = layer > 0 && index == 0 ? 2 : 1;
      value = architecture.bottleneck ? bottleneck_block(block, value, stride, stage, assembly)
                                      : basic_block(block, value, stride, stage, assembly);
    }
    stage.width *= 2;
  }
  value = assembly.average_pool("avgpool", value);
  assembly.fully_connected("fc", value, Activation::none, 1000);
}

}  // namespace backdrop
