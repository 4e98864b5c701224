/// \file
/// A network as the engine takes it: a short list of layers with batch normalisation folded into the weights.
///
/// Values are numbered: 0 is the normalised input, i + 1 is the output of layer i. Activations are NHWC.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loaders/checkpoint.h"

namespace backdrop {

enum class LayerKind { convolution, max_pool, average_pool, fully_connected };
enum class Activation { none, relu, leaky_relu };

/// Slope of LeakyReLU for negative values in the leaky ResNets (PyTorch's default).
inline constexpr float kLeakySlope = 0.01f;

/// Height, width and channels of one activation, laid out [height][width][channels].
struct ValueShape {
  int height = 0;
  int width = 0;
  int channels = 0;

  std::int64_t size() const { return std::int64_t{height} * width * channels; }
  bool operator==(const ValueShape&) const = default;
};

/// One layer: output = activation(operation(input) + bias + residual).
struct Layer {
  std::string name;  ///< the tensor prefix it came from ("layer1.0.conv1") or what it does ("maxpool")
  LayerKind kind = LayerKind::convolution;
  int input = 0;      ///< value read
  int residual = -1;  ///< value added before the activation (convolution only), -1 for none
  int kernel = 1;     ///< square window of convolution and max pool
  int stride = 1;
  int padding = 0;  ///< zeros for a convolution; never chosen by a max pool
  int groups = 1;
  Activation activation = Activation::none;
  ValueShape in;
  ValueShape out;  ///< average_pool: 1 x 1 x C (global); fully_connected: 1 x 1 x K
  /// Convolution: [K][C / groups][kernel][kernel]. Fully connected: [K][height][width][C] of the input value.
  std::vector<float> weights;
  std::vector<float> bias;  ///< [K]

  /// Multiply-adds for one image (0 for the pools).
  std::int64_t macs() const;
};

/// Layers in execution order; the last one gives the logits.
struct Network {
  std::string arch;
  Normalization normalization;
  ValueShape input{224, 224, 3};
  std::vector<Layer> layers;

  int classes() const { return layers.empty() ? 0 : layers.back().out.channels; }
  /// Shape of value `index` (0: the input).
  const ValueShape& shape(int index) const { return index == 0 ? input : layers[index - 1].out; }
  std::int64_t macs() const;
  /// Folded weights and biases.
  std::int64_t parameters() const;
};

}  // namespace backdrop
