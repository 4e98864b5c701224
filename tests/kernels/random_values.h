/// \file
/// Seeded values for kernel tests, and outputs poisoned so that a value never written is seen.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

namespace backdrop::test {

inline std::vector<float> random_values(std::size_t count, std::mt19937& generator) {
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

inline int random_int(int low, int high, std::mt19937& generator) {
  return std::uniform_int_distribution<int>(low, high)(generator);
}

inline std::vector<float> poisoned(std::size_t count) {
  return std::vector<float>(count, std::numeric_limits<float>::quiet_NaN());
}

/// Every value within `tolerance` of the largest expected one.
inline void expect_close(const std::vector<float>& actual, const std::vector<float>& expected,
                         float tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  float largest = 1e-6f;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_LE(std::abs(actual[i] - expected[i]), tolerance * largest)
        << "at " << i << " of " << actual.size();
}

}  // namespace backdrop::test
