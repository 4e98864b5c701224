#include "kernels/int16_weights.h"

#include <algorithm>
#include <cmath>

namespace backdrop::kernels {
namespace {

constexpr float kMostWeight = 32767.0f;

// What is known of the weights of one sum: as small a unit as its limits allow.
struct Sum {
  int largest_input;
  float largest = 0;
  double total = 0;
  int count = 0;

  void add(float weight) {
    largest = std::max(largest, std::abs(weight));
    total += std::abs(weight);
    ++count;
  }
  // Each stored weight may be half a unit larger than the weight.
  float scale() const {
    if (!(largest > 0)) return 1.0f;
    const double most =
        2147483647.0 / largest_input;  // that stored weights may add up to, in absolute values
    return std::max(largest / kMostWeight, static_cast<float>(total / (most - 0.5 * count) * 1.001));
  }
};

}  // namespace

Int16Weights store_int16(const ConvolutionShape& shape, const float* weights, float input_scale) {
  const std::size_t row = std::size_t(shape.channels / shape.groups) * shape.kernel * shape.kernel;
  Int16Weights stored;
  stored.values.resize(row * shape.out_channels);
  for (int k = 0; k < shape.out_channels; ++k) {
    Sum sum{kInt16Most};
    for (std::size_t i = 0; i < row; ++i) sum.add(weights[k * row + i]);
    const float scale = sum.scale();
    for (std::size_t i = 0; i < row; ++i)
      stored.values[k * row + i] = static_cast<std::int16_t>(std::nearbyint(weights[k * row + i] / scale));
    stored.scale.push_back(scale * input_scale);
  }
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
  for (int tap = 0; tap < taps; ++tap) {
    for (int k = 0; k < shape.out_channels; ++k) {
      const std::size_t first = std::size_t(k) * channels * taps + tap;
      Sum sum{largest_input};
      for (int c = 0; c < channels; ++c) sum.add(weights[first + std::size_t(c) * taps]);
      const float scale = sum.scale();
      for (int c = 0; c < channels; ++c)
        stored.values[first + std::size_t(c) * taps] =
            static_cast<std::int16_t>(std::nearbyint(weights[first + std::size_t(c) * taps] / scale));
      stored.scale.push_back(scale * input_scales[tap]);
    }
  }
  return stored;
}

}  // namespace backdrop::kernels
