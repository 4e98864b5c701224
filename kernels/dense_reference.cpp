// Plain loops with sums in double: slow, obvious, the oracle.
#include <algorithm>
#include <limits>

#include "kernels/dense.h"

namespace backdrop::kernels {
namespace {

// The sum at one output position for one output channel.
double convolve_at(const ConvolutionShape& shape, const float* image, const float* filter, int group, int y,
                   int x) {
  const int group_channels = shape.channels / shape.groups;
  double sum = 0;
  for (int ky = 0; ky < shape.kernel; ++ky) {
    const int in_y = y * shape.stride + ky - shape.padding;
    if (in_y < 0 || in_y >= shape.height) continue;
    for (int kx = 0; kx < shape.kernel; ++kx) {
      const int in_x = x * shape.stride + kx - shape.padding;
      if (in_x < 0 || in_x >= shape.width) continue;
      const float* pixel =
          image + (std::int64_t{in_y} * shape.width + in_x) * shape.channels + group * group_channels;
      for (int c = 0; c < group_channels; ++c)
        sum += static_cast<double>(pixel[c]) * filter[(c * shape.kernel + ky) * shape.kernel + kx];
    }
  }
  return sum;
}

}  // namespace

void convolution_reference(const ConvolutionShape& shape, int batch, const float* input, const float* weights,
                           const float* bias, const float* residual, float* output) {
  const int group_channels = shape.channels / shape.groups;
  const int group_outputs = shape.out_channels / shape.groups;
  const std::int64_t filter_size = std::int64_t{group_channels} * shape.kernel * shape.kernel;
  std::int64_t o = 0;
  for (int n = 0; n < batch; ++n) {
    const float* image = input + std::int64_t{n} * shape.height * shape.width * shape.channels;
    for (int y = 0; y < shape.out_height(); ++y) {
      for (int x = 0; x < shape.out_width(); ++x) {
        for (int k = 0; k < shape.out_channels; ++k, ++o) {
          const double sum = convolve_at(shape, image, weights + k * filter_size, k / group_outputs, y, x);
          const double total = sum + bias[k] + (residual != nullptr ? residual[o] : 0.0f);
          output[o] = activate(static_cast<float>(total), shape.slope);
        }
      }
    }
  }
}

void max_pool_reference(const PoolShape& shape, int batch, const float* input, float* output) {
  for (int n = 0; n < batch; ++n) {
    const float* image = input + std::int64_t{n} * shape.height * shape.width * shape.channels;
    for (int y = 0; y < shape.out_height(); ++y) {
      for (int x = 0; x < shape.out_width(); ++x) {
        const int y0 = y * shape.stride - shape.padding;
        const int x0 = x * shape.stride - shape.padding;
        for (int c = 0; c < shape.channels; ++c) {
          float best = -std::numeric_limits<float>::infinity();
          for (int in_y = std::max(0, y0); in_y < std::min(shape.height, y0 + shape.kernel); ++in_y)
            for (int in_x = std::max(0, x0); in_x < std::min(shape.width, x0 + shape.kernel); ++in_x)
              best = std::max(best, image[(std::int64_t{in_y} * shape.width + in_x) * shape.channels + c]);
          *output++ = best;
        }
      }
    }
  }
}

void average_pool_reference(int height, int width, int channels, int batch, const float* input,
                            float* output) {
  const std::int64_t positions = std::int64_t{height} * width;
  for (int n = 0; n < batch; ++n) {
    const float* image = input + n * positions * channels;
    for (int c = 0; c < channels; ++c) {
      double sum = 0;
      for (std::int64_t p = 0; p < positions; ++p) sum += image[p * channels + c];
      *output++ = static_cast<float>(sum / static_cast<double>(positions));
    }
  }
}

void fully_connected_reference(const FullyConnectedShape& shape, int batch, const float* input,
                               const float* weights, const float* bias, float* output) {
  for (int n = 0; n < batch; ++n) {
    for (int k = 0; k < shape.outputs; ++k) {
      double sum = bias[k];
      for (std::int64_t i = 0; i < shape.inputs; ++i)
        sum += static_cast<double>(input[n * shape.inputs + i]) * weights[k * shape.inputs + i];
      *output++ = activate(static_cast<float>(sum), shape.slope);
    }
  }
}

}  // namespace backdrop::kernels
