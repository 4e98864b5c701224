/// \file
/// Sizes of the operations. Activations are NHWC, float; a kernel sees raw pointers and one of these structs.
#pragma once

#include <cstdint>

namespace backdrop::kernels {

/// A convolution with square window: output = activation(input * weights + bias + residual).
/// Input [N][height][width][channels], weights [out_channels][channels / groups][kernel][kernel],
/// output and residual [N][out_height()][out_width()][out_channels].
struct ConvolutionShape {
  int height = 0;
  int width = 0;
  int channels = 0;
  int out_channels = 0;
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  int groups = 1;
  /// The activation is x < 0 ? slope * x : x. 1: none, 0: ReLU, between: LeakyReLU.
  float slope = 1.0f;

  int out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};

/// A max pool with square window; positions outside the input are never chosen. Layouts as above.
struct PoolShape {
  int height = 0;
  int width = 0;
  int channels = 0;
  int kernel = 1;
  int stride = 1;
  int padding = 0;

  int out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};

/// output[n][k] = activation(sum over i of input[n][i] * weights[k][i] + bias[k]).
struct FullyConnectedShape {
  std::int64_t inputs = 0;
  int outputs = 0;
  float slope = 1.0f;
};

/// The activation that all kernels share.
inline float activate(float value, float slope) {
  return value < 0.0f ? slope * value : value;
}

}  // namespace backdrop::kernels
