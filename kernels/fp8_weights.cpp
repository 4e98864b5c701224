#include "kernels/fp8_weights.h"

#include <algorithm>
#include <cmath>

#include "kernels/e4m3.h"

namespace backdrop::kernels {
namespace {

constexpr float kHeadroom = 4.0f;

}  // namespace

Fp8Weights store_fp8(const ConvolutionShape& shape, const float* weights, float input_scale) {
  const int taps = shape.kernel * shape.kernel;
  const int channels = shape.channels / shape.groups;
  const std::size_t row_size = std::size_t(channels) * taps;
  Fp8Weights stored;
  stored.values.resize(row_size * shape.out_channels);
  for (int k = 0; k < shape.out_channels; ++k) {
    const float* row = weights + k * row_size;
    float largest = 0;
    for (std::size_t i = 0; i < row_size; ++i) largest = std::max(largest, std::abs(row[i]));
    const float scale = largest > 0 ? largest / e4m3::kLargest : 1.0f;
    stored.scale.push_back(scale * input_scale);
    for (int tap = 0; tap < taps; ++tap)
      for (int c = 0; c < channels; ++c)
        stored.values[k * row_size + std::size_t(tap) * channels + c] =
            e4m3::encode(row[std::size_t(c) * taps + tap] / scale);
  }
  return stored;
}

float fp8_scale(const ValueScale& scale) {
  return kHeadroom * scale.scale * std::max(scale.zero, 255.0f - scale.zero) / e4m3::kLargest;
}

}  // namespace backdrop::kernels
