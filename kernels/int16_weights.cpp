#include "kernels/int16_weights.h"

#include <algorithm>
#include <cmath>

namespace backdrop::kernels {
namespace {

constexpr float kMostWeight = 32767.0f;

// Stores the `count` weights of one sum, `step` apart, in as small a unit as its limits allow; returns the
// unit.
float store_sum(const float* weights, std::size_t count, std::size_t step, int largest_input,
                bool nonnegative, std::int16_t* to) {
  float largest = 0;
  double positive = 0;
  double negative = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float weight = std::abs(weights[i * step]);
    largest = std::max(largest, weight);
    (weights[i * step] > 0 ? positive : negative) += weight;
  }
  const double total = nonnegative ? std::max(positive, negative) : positive + negative;
  // What stored weights may add up to, in absolute values; each may be half a unit larger than the weight.
  const double most = 2147483647.0 / largest_input - 0.5 * static_cast<double>(count);
  const float unit =
      largest > 0 ? std::max(largest / kMostWeight, static_cast<float>(total / most * 1.001)) : 1.0f;
  for (std::size_t i = 0; i < count; ++i)
    to[i * step] = static_cast<std::int16_t>(std::nearbyint(weights[i * step] / unit));
  return unit;
}

}  // namespace

Int16Weights store_int16(const ConvolutionShape& shape, const float* weights, float input_scale,
                         bool nonnegative) {
  const std::size_t row = std::size_t(shape.channels / shape.groups) * shape.kernel * shape.kernel;
  Int16Weights stored;
  stored.values.resize(row * shape.out_channels);
  for (int k = 0; k < shape.out_channels; ++k)
    stored.scale.push_back(input_scale * store_sum(weights + k * row, row, 1, kInt16Most, nonnegative,
                                                   stored.values.data() + k * row));
  return stored;
}

int balanced_largest_input(int channels) {
  constexpr int kWeight = 256;  // of an average weight
  return std::min(32767, (1 << 30) / channels / kWeight * 2 - 1);
}

Int16Weights store_int16_by_tap(const ConvolutionShape& shape, const float* weights,
                                const std::vector<float>& input_scales, int largest_input) {
  const int taps = shape.kernel * shape.kernel;
  const int channels = shape.channels / shape.groups;
  Int16Weights stored;
  stored.values.resize(std::size_t(shape.out_channels) * channels * taps);
  stored.scale.resize(std::size_t(taps) * shape.out_channels);
  for (int k = 0; k < shape.out_channels; ++k) {
    for (int tap = 0; tap < taps; ++tap) {
      const std::size_t first = std::size_t(k) * channels * taps + tap;
      stored.scale[std::size_t(tap) * shape.out_channels + k] =
          input_scales[tap] *
          store_sum(weights + first, channels, taps, largest_input, false, stored.values.data() + first);
    }
  }
  return stored;
}

}  // namespace backdrop::kernels
