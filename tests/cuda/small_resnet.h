/// \file
/// A network with bottlenecks that one kernel can take.
#pragma once

#include <cmath>
#include <memory>
#include <string>

#include "models/network.h"
#include "tests/engine/random_network.h"
#include "tests/kernels/random_values.h"

namespace backdrop::test {

/// A stem, three bottlenecks as in layer1 of a ResNet-50, an average pool and a fully connected layer.
inline std::shared_ptr<const Network> small_resnet(int size) {
  auto network = std::make_shared<Network>();
  network->normalization = {{.4717f, .4499f, .3837f}, {.2600f, .2516f, .2575f}};
  network->input = {size, size, 3};
  std::mt19937 generator(91);
  const auto add = [&](LayerKind kind, int input, int channels, int kernel, int residual,
                       Activation activation) {
    Layer layer;
    layer.name = "layer" + std::to_string(network->layers.size());
    layer.kind = kind;
    layer.input = input;
    layer.kernel = kernel;
    layer.padding = kernel / 2;
    layer.residual = residual;
    layer.activation = activation;
    layer.in = network->shape(input);
    const bool whole = kind != LayerKind::convolution;
    layer.out = {whole ? 1 : size, whole ? 1 : size, channels};
    if (kind != LayerKind::average_pool) {
      const int inputs = layer.in.channels * kernel * kernel;
      layer.weights = random_values(std::size_t(channels) * inputs, generator);
      for (float& weight : layer.weights) weight *= 2.0f / std::sqrt(static_cast<float>(inputs));
      layer.bias = random_values(channels, generator);
    }
    network->layers.push_back(layer);
    return static_cast<int>(network->layers.size());
  };
  constexpr LayerKind kConvolution = LayerKind::convolution;
  int value = add(kConvolution, 0, 64, 3, -1, Activation::relu);
  for (int b = 0; b < 3; ++b) {
    const int reduced = add(kConvolution, value, 64, 1, -1, Activation::relu);
    const int spatial = add(kConvolution, reduced, 64, 3, -1, Activation::relu);
    const int residual = b == 0 ? add(kConvolution, value, 256, 1, -1, Activation::none) : value;
    value = add(kConvolution, spatial, 256, 1, residual, Activation::relu);
  }
  value = add(LayerKind::average_pool, value, 256, 1, -1, Activation::none);
  network->layers.back().padding = 0;
  add(LayerKind::fully_connected, value, kClasses, 1, -1, Activation::none);
  return network;
}

}  // namespace backdrop::test
