#include "kernels/int16_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/kernels/random_values.h"

namespace backdrop::kernels {
namespace {

using test::random_int;
using test::random_values;

ConvolutionShape random_shape(std::mt19937& generator) {
  ConvolutionShape shape;
  shape.kernel = random_int(1, 6, generator);
  shape.channels = 2 * random_int(1, 600, generator);
  shape.out_channels = random_int(1, 5, generator);
  return shape;
}

// The largest sum that inputs of at most `largest_input` can make, over the taps from `tap` in steps of
// `step`; `nonnegative`: inputs of at least 0.
std::int64_t largest_sum(const ConvolutionShape& shape, const Int16Weights& stored, int k, int tap, int step,
                         int largest_input, bool nonnegative) {
  const int taps = shape.kernel * shape.kernel;
  std::int64_t positive = 0;
  std::int64_t negative = 0;
  for (int c = 0; c < shape.channels; ++c)
    for (int t = tap; t < taps; t += step) {
      const int weight = stored.values[(std::size_t(k) * shape.channels + c) * taps + t];
      (weight > 0 ? positive : negative) += std::abs(weight);
    }
  return (nonnegative ? std::max(positive, negative) : positive + negative) * largest_input;
}

TEST(Int16Weights, NoSumIsBeyond32Bits) {
  std::mt19937 generator(71);
  for (int trial = 0; trial < 40; ++trial) {
    const ConvolutionShape shape = random_shape(generator);
    const bool nonnegative = random_int(0, 1, generator) == 1;
    const int taps = shape.kernel * shape.kernel;
    const auto weights = random_values(std::size_t(shape.out_channels) * shape.channels * taps, generator);
    const Int16Weights whole = store_int16(shape, weights.data(), 0.5f, nonnegative);
    const int largest = balanced_largest_input(shape.channels);
    const Int16Weights by_tap =
        store_int16_by_tap(shape, weights.data(), std::vector<float>(taps, 0.25f), largest);
    for (int k = 0; k < shape.out_channels; ++k) {
      EXPECT_LT(largest_sum(shape, whole, k, 0, 1, kInt16Most, nonnegative), std::int64_t{1} << 31);
      for (int tap = 0; tap < taps; ++tap)
        EXPECT_LT(largest_sum(shape, by_tap, k, tap, taps, largest, false), std::int64_t{1} << 31);
    }
  }
}

TEST(Int16Weights, AreTheWeightsInTheirScale) {
  std::mt19937 generator(72);
  for (int trial = 0; trial < 10; ++trial) {
    const ConvolutionShape shape = random_shape(generator);
    const int taps = shape.kernel * shape.kernel;
    const auto weights = random_values(std::size_t(shape.out_channels) * shape.channels * taps, generator);
    const Int16Weights whole = store_int16(shape, weights.data(), 0.5f, trial % 2 == 0);
    const Int16Weights by_tap =
        store_int16_by_tap(shape, weights.data(), std::vector<float>(taps, 0.25f), kInt16Most);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::size_t k = i / (std::size_t(shape.channels) * taps);
      const float scale = whole.scale[k] / 0.5f;
      EXPECT_NEAR(whole.values[i] * scale, weights[i], 0.501f * scale);
      const float tap_scale = by_tap.scale[i % taps * shape.out_channels + k] / 0.25f;
      EXPECT_NEAR(by_tap.values[i] * tap_scale, weights[i], 0.501f * tap_scale);
    }
  }
}

TEST(Int16Weights, OfZerosAreZeros) {
  const ConvolutionShape shape{1, 1, 2, 1};
  const float zeros[2] = {};
  const Int16Weights stored = store_int16(shape, zeros, 1.0f, false);
  EXPECT_EQ(stored.values, (std::vector<std::int16_t>{0, 0}));
  EXPECT_GT(stored.scale[0], 0.0f);
}

}  // namespace
}  // namespace backdrop::kernels
