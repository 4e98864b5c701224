#include "kernels/int8_weights.h"

#include <algorithm>
#include <cmath>

namespace backdrop::kernels {
namespace {

std::int8_t to_int8(float weight, float scale) {
  return static_cast<std::int8_t>(std::clamp(round_small(weight / scale), -127.0f, 127.0f));
}

}  // namespace

float choose_weight_scale(const float* weights, std::size_t count) {
  constexpr int kCandidates = 12;
  float largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(weights[i]));
  if (!(largest > 0)) return 1.0f;
  float best = largest / 127.0f;
  double least = INFINITY;
  for (int candidate = 0; candidate < kCandidates; ++candidate) {
    const float scale = largest / 127.0f * (1.0f - 0.03f * static_cast<float>(candidate));
    double error = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double difference = weights[i] - scale * static_cast<float>(to_int8(weights[i], scale));
      error += difference * difference;
    }
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
        const std::int8_t value = to_int8(row[std::size_t(c) * taps + tap], scale);
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
