#include "kernels/composite.h"

#include <gtest/gtest.h>

#include "tests/kernels/random_values.h"

namespace backdrop::kernels {
namespace {

constexpr std::array<float, 3> kMean{.4717f, .4499f, .3837f};
constexpr std::array<float, 3> kDeviation{.2600f, .2516f, .2575f};

std::vector<std::uint8_t> random_bytes(std::size_t count, int most, std::mt19937& generator) {
  std::vector<std::uint8_t> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(test::random_int(0, most, generator));
  return bytes;
}

TEST(Composite, TableEqualsFormulaToTheBit) {
  std::mt19937 generator(1);
  for (const std::size_t pixels : {1u, 3u, 37u, 4096u}) {
    const auto foreground = random_bytes(3 * pixels, 255, generator);
    const auto background = random_bytes(3 * pixels, 255, generator);
    const auto mask = random_bytes(pixels, 1, generator);
    auto expected = test::poisoned(3 * pixels);
    auto actual = test::poisoned(3 * pixels);
    composite_reference(foreground.data(), background.data(), mask.data(), pixels, kMean, kDeviation,
                        expected.data());
    composite_cpu(foreground.data(), background.data(), mask.data(), pixels,
                  make_normalization_table(kMean, kDeviation), actual.data());
    EXPECT_EQ(actual, expected);
  }
}

TEST(Composite, PhotoEqualsTheReference) {
  std::mt19937 generator(3);
  for (const std::size_t pixels : {1u, 3u, 37u, 4096u}) {
    const auto foreground = random_bytes(3 * pixels, 255, generator);
    const auto background = random_bytes(3 * pixels, 255, generator);
    const auto mask = random_bytes(pixels, 1, generator);
    std::vector<std::uint8_t> expected(3 * pixels, 171);
    std::vector<std::uint8_t> actual(3 * pixels, 85);
    composite_photo_reference(foreground.data(), background.data(), mask.data(), pixels, expected.data());
    composite_photo_cpu(foreground.data(), background.data(), mask.data(), pixels, actual.data());
    EXPECT_EQ(actual, expected);
  }
}

TEST(Composite, PhotoAloneIsACompositeWithAFullMask) {
  std::mt19937 generator(2);
  constexpr std::size_t pixels = 101;
  const auto photo = random_bytes(3 * pixels, 255, generator);
  const auto other = random_bytes(3 * pixels, 255, generator);
  const std::vector<std::uint8_t> full(pixels, 1);
  const auto table = make_normalization_table(kMean, kDeviation);
  auto expected = test::poisoned(3 * pixels);
  auto actual = test::poisoned(3 * pixels);
  composite_cpu(photo.data(), other.data(), full.data(), pixels, table, expected.data());
  normalize_cpu(photo.data(), pixels, table, actual.data());
  EXPECT_EQ(actual, expected);
}

}  // namespace
}  // namespace backdrop::kernels
