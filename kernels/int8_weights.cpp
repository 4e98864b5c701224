#include "kernels/int8_weights.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace backdrop::kernels {
namespace {

// A whole number.
float stored_weight(float weight, float scale) {
  return std::min(std::max(round_small(weight / scale), -127.0f), 127.0f);
}

// In sums side by side, of which the compiler makes vectors.
float squared_error(const float* weights, std::size_t count, float scale) {
  constexpr std::size_t kSums = 16;
  float sums[kSums] = {};
  const auto add = [&](std::size_t i, std::size_t sum) {
    const float difference = weights[i] - scale * stored_weight(weights[i], scale);
    sums[sum] += difference * difference;
  };
  const std::size_t whole = count / kSums * kSums;
  for (std::size_t i = 0; i < whole; i += kSums)
    for (std::size_t sum = 0; sum < kSums; ++sum) add(i + sum, sum);
  for (std::size_t i = whole; i < count; ++i) add(i, 0);
  return std::accumulate(std::begin(sums), std::end(sums), 0.0f);
}

}  // namespace

float choose_weight_scale(const float* weights, std::size_t count) {
  constexpr int kCandidates = 12;
  float largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(weights[i]));
  if (!(largest > 0)) return 1.0f;
  float best = largest / 127.0f;
  float least = INFINITY;
  for (int candidate = 0; candidate < kCandidates; ++candidate) {
    const float scale = largest / 127.0f * (1.0f - 0.03f * static_cast<float>(candidate));
    const float error = squared_error(weights, count, scale);
    if (error >= least) continue;
    least = error;
    best = scale;
  }
  return best;
}

Int8Weights store_int8(const ConvolutionShape& shape, const float* weights,
                       const std::vector<ValueScale>& input) {
  const int taps = shape.kernel * shape.kernel;
  const int channels = shape.channels / shape.groups;
  const int columns = shape.out_channels / shape.groups;
  const std::size_t row_size = std::size_t(channels) * taps;
  Int8Weights stored;
  stored.values.resize(row_size * shape.out_channels);
  stored.scale.resize(shape.out_channels);
  stored.corrections.resize(std::size_t(taps) * shape.out_channels);
  std::vector<float> row(row_size);
  for (int k = 0; k < shape.out_channels; ++k) {
    const ValueScale* of_channel = &input[std::size_t(k / columns) * channels];
    for (std::size_t i = 0; i < row_size; ++i)
      row[i] = weights[k * row_size + i] * of_channel[i / taps].scale;
    const float scale = choose_weight_scale(row.data(), row.size());
    stored.scale[k] = scale;
    for (int tap = 0; tap < taps; ++tap) {
      double correction = 0;
      for (int c = 0; c < channels; ++c) {
        const auto value = static_cast<std::int8_t>(stored_weight(row[std::size_t(c) * taps + tap], scale));
        correction -= value * static_cast<double>(of_channel[c].zero);
        stored.values[(std::size_t(k) * taps + tap) * channels + c] = value;
      }
      stored.corrections[std::size_t(tap) * shape.out_channels + k] =
          static_cast<std::int32_t>(std::lround(correction));
    }
  }
  return stored;
}

}  // namespace backdrop::kernels
