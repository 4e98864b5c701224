/// \file
/// The shapes that kernels take, from a network's layers.
#pragma once

#include "kernels/shapes.h"
#include "models/network.h"

namespace backdrop {

inline float slope_of(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return 0.0f;
    case Activation::leaky_relu:
      return kLeakySlope;
    case Activation::none:
      break;
  }
  return 1.0f;
}

inline kernels::ConvolutionShape convolution_shape(const Layer& layer) {
  return {layer.in.height, layer.in.width, layer.in.channels, layer.out.channels,        layer.kernel,
          layer.stride,    layer.padding,  layer.groups,      slope_of(layer.activation)};
}

inline kernels::PoolShape pool_shape(const Layer& layer) {
  return {layer.in.height, layer.in.width, layer.in.channels, layer.kernel, layer.stride, layer.padding};
}

inline kernels::FullyConnectedShape fully_connected_shape(const Layer& layer) {
  return {layer.in.size(), layer.out.channels, slope_of(layer.activation)};
}

}  // namespace backdrop
