// When results of two ways to compute a layer are the same: not before, or a wrong kernel is taken because it
// is fast; not after, or a right one is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "engine/cuda_agreement.h"

namespace backdrop {
namespace {

std::vector<std::byte> bytes_of(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Ten bits of a float, which is what tensor cores read of it.
float to_tf32(float value) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000U) & 0xffffe000U);
}

float straight(float value) {
  return value;
}

// Dot products of so many values, from the front or from the back, each value rounded before.
template <class Round>
std::vector<std::byte> dot_products(int count, bool from_back, const Round& round) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> value(0.0f, 1.0f);
  std::normal_distribution<float> weight(0.0f, 0.05f);
  std::vector<float> sums;
  for (int product = 0; product < 200; ++product) {
    std::vector<float> terms;
    for (int i = 0; i < count; ++i) terms.push_back(round(value(generator)) * round(weight(generator)));
    if (from_back) std::reverse(terms.begin(), terms.end());
    float sum = 0;
    for (const float term : terms) sum += term;
    sums.push_back(std::max(0.0f, sum));
  }
  return bytes_of(sums);
}

TEST(Agreement, IsOfSumsInAnotherOrder) {
  for (const int count : {27, 64, 576, 4608})
    EXPECT_TRUE(
        agree(Precision::fp32, dot_products(count, false, straight), dot_products(count, true, straight)))
        << count;
}

TEST(Agreement, IsNotOfFloatsThatWereShortened) {
  for (const int count : {27, 64, 576, 4608}) {
    const auto exact = dot_products(count, false, straight);
    const auto shortened = dot_products(count, false, to_tf32);
    EXPECT_FALSE(agree(Precision::fp32, exact, shortened)) << count;
    EXPECT_TRUE(agree(Precision::tf32, exact, shortened)) << count;
  }
}

TEST(Agreement, NeedsNumbersAndNotOnlyZeros) {
  const std::vector<float> good{1.0f, 0.0f, 3.0f};
  EXPECT_TRUE(agree(Precision::fp32, bytes_of(good), bytes_of(good)));
  for (const float bad : {std::nanf(""), HUGE_VALF}) {
    const std::vector<float> spoiled{1.0f, bad, 3.0f};
    EXPECT_FALSE(agree(Precision::fp32, bytes_of(good), bytes_of(spoiled)));
    EXPECT_FALSE(agree(Precision::fp32, bytes_of(spoiled), bytes_of(good)));
    EXPECT_FALSE(agree(Precision::fp32, bytes_of(spoiled), bytes_of(spoiled)));
  }
  const std::vector<float> zeros(3, 0.0f);
  EXPECT_FALSE(agree(Precision::fp32, bytes_of(zeros), bytes_of(zeros)));
}

TEST(Agreement, OfBytesIsToTheLastOne) {
  const std::vector<std::byte> bytes{std::byte{0}, std::byte{128}, std::byte{255}};
  std::vector<std::byte> other = bytes;
  EXPECT_TRUE(agree(Precision::int8, bytes, other));
  other[1] = std::byte{129};
  EXPECT_FALSE(agree(Precision::int8, bytes, other));
}

TEST(Agreement, AllowsMoreAfterMoreLayers) {
  const std::vector<float> good{1.0f, 0.5f};
  const std::vector<float> near{1.0f, 0.505f};
  EXPECT_FALSE(agree(Precision::tf32, bytes_of(good), bytes_of(near)));
  EXPECT_TRUE(agree(Precision::tf32, bytes_of(good), bytes_of(near), 9));
}

}  // namespace
}  // namespace backdrop
