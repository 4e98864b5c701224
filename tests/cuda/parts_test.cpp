// The GPU's small kernels, element by element, against the CPU's.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/cuda_lists.h"
#include "kernels/composite.h"
#include "kernels/cuda_composite.h"
#include "kernels/cuda_decision.h"
#include "kernels/cuda_pool.h"
#include "kernels/decide.h"
#include "kernels/position_pool.h"
#include "kernels/tf32_terms.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/random_device_work.h"

namespace backdrop {
namespace {

using test::random_int;

TEST(CudaParts, PoolsEqualTheCpus) {
  std::mt19937 generator(41);
  for (int trial = 0; trial < 30; ++trial) {
    const int channels = 8 * random_int(1, 5, generator);
    const int rows = random_int(1, kernels::kMaxRows, generator);
    const int positions = random_int(1, 9, generator);
    const test::RandomList list(positions, channels, channels, 9, 1, false, false, generator);
    const test::RandomValue<test::HostFloats> input(channels, rows, generator);
    const std::int64_t row_size = std::int64_t{positions} * channels;
    for (const bool average : {false, true}) {
      auto actual = test::poisoned(row_size * rows);
      auto expected = test::poisoned(row_size * rows);
      kernels::PoolArguments arguments{list.device(), rows, channels, average, input.rows(), {},
                                       false,         {},   {}};
      arguments.output = {actual.data(), row_size, nullptr, kernels::DotOutput::stored};
      for (std::int64_t piece = 0; piece < kernels::pool_pieces(arguments); ++piece)
        kernels::pool_piece<test::HostFloats, test::HostBfloat16>(arguments, piece);
      float* output[kernels::kMaxRows];
      for (int r = 0; r < rows; ++r) output[r] = expected.data() + r * row_size;
      (average ? kernels::position_average_pool : kernels::position_max_pool)(
          channels, list.host(), rows, input.pointers(0, rows), output);
      test::expect_close(actual, expected, 1e-6f);
    }
  }
}

TEST(CudaParts, CompositesEqualTheCpus) {
  std::mt19937 generator(42);
  constexpr int kPixels = 77;
  constexpr int kWords = (kPixels + 31) / 32;
  std::vector<std::uint8_t> foregrounds(3 * kPixels * 3), backgrounds(4 * kPixels * 3), masks(3 * kPixels);
  for (auto* bytes : {&foregrounds, &backgrounds})
    for (auto& value : *bytes) value = static_cast<std::uint8_t>(random_int(0, 255, generator));
  std::vector<std::uint32_t> bits(3 * kWords);
  for (int f = 0; f < 3; ++f)
    for (int p = 0; p < kPixels; ++p) {
      masks[f * kPixels + p] = static_cast<std::uint8_t>(random_int(0, 1, generator));
      bits[f * kWords + p / 32] |= std::uint32_t{masks[f * kPixels + p]} << (p % 32);
    }
  const auto table = kernels::make_normalization_table({.47f, .45f, .38f}, {.26f, .25f, .26f});
  const std::vector<kernels::CompositePair> pairs{{0, 3}, {2, 0}, {-1, 1}, {1, -1}};
  kernels::CompositeArguments arguments;
  arguments.foregrounds = foregrounds.data();
  arguments.backgrounds = backgrounds.data();
  arguments.masks = bits.data();
  arguments.pairs = pairs.data();
  arguments.composites = 4;
  arguments.photo_pixels = arguments.pixels = kPixels;
  arguments.mask_words = kWords;
  for (int n = 0; n < 4; ++n) {
    const auto [f, b] = pairs[n];
    std::vector<float> expected(kPixels * 3);
    if (f >= 0 && b >= 0)
      kernels::composite_cpu(foregrounds.data() + f * kPixels * 3, backgrounds.data() + b * kPixels * 3,
                             masks.data() + f * kPixels, kPixels, table, expected.data());
    else
      kernels::normalize_cpu(
          f >= 0 ? foregrounds.data() + f * kPixels * 3 : backgrounds.data() + b * kPixels * 3, kPixels,
          table, expected.data());
    for (int p = 0; p < kPixels; ++p) {
      const std::uint8_t* source = kernels::composite_source(arguments, n, p);
      for (int c = 0; c < 3; ++c) ASSERT_EQ(table.values[c][source[c]], expected[3 * p + c]);
      ASSERT_EQ(kernels::composite_place(arguments, n, p), n * kPixels + p);
    }
  }
  // The table is read as [3][256] floats.
  ASSERT_EQ(sizeof(table), 3 * 256 * sizeof(float));
}

TEST(CudaParts, DecisionsEqualTheCpus) {
  std::mt19937 generator(43);
  for (int trial = 0; trial < 300; ++trial) {
    const int classes = random_int(1, 70, generator);
    std::vector<float> logits(classes);
    std::vector<int> in9(classes);
    // Few different values, so that ties are common.
    for (float& logit : logits) logit = static_cast<float>(random_int(-3, 3, generator));
    for (int& label : in9) label = random_int(-1, 2, generator);
    if (trial % 10 == 0) logits[random_int(0, classes - 1, generator)] = std::nanf("");
    const kernels::Decision expected = kernels::decide(logits.data(), classes, in9.data(), 1);

    // As the kernel: lanes stride over the classes, then halves are merged.
    kernels::PartialDecision lanes[32];
    for (int lane = 0; lane < 32; ++lane)
      for (int c = lane; c < classes; c += 32)
        lanes[lane] = kernels::merge(lanes[lane], kernels::one_logit(logits[c], c, in9[c] == 1));
    for (int distance = 16; distance > 0; distance /= 2)
      for (int lane = 0; lane + distance < 32; ++lane)
        lanes[lane] = kernels::merge(lanes[lane], lanes[lane + distance]);
    const kernels::DeviceDecision actual = kernels::finish_decision(lanes[0]);
    if (std::isnan(expected.margin)) {
      EXPECT_TRUE(std::isnan(actual.margin));
      EXPECT_TRUE(std::isnan(actual.gap));
      continue;
    }
    EXPECT_EQ(actual.prediction, expected.prediction);
    EXPECT_EQ(actual.margin, expected.margin);
    std::sort(logits.rbegin(), logits.rend());
    if (classes > 1) {
      EXPECT_EQ(actual.gap, logits[0] - logits[1]);
    }
  }
}

TEST(CudaParts, PackedListsAreTheLists) {
  PositionList list;
  list.output = {4, 8, 12};
  list.first_tap = {0, 1, 1, 2};
  list.taps = {{3, 1, kernels::Source::background}, {5, 2, kernels::Source::mixed}};
  list.residual = {
      {1, 0, kernels::Source::mixed}, {2, 0, kernels::Source::mixed}, {7, 0, kernels::Source::mixed}};
  ListPacker packer;
  packer.add(std::span<const std::int32_t>(list.output));
  const PackedWork packed = packer.add(list);
  const kernels::DeviceWork work = device_work(packed, packer.bytes().data());
  EXPECT_EQ(work.positions, 3);
  EXPECT_EQ(work.output[2], 12);
  EXPECT_EQ(work.first_tap[3], 2);
  EXPECT_EQ(work.taps[1].offset, 5);
  EXPECT_EQ(work.start, nullptr);
  EXPECT_EQ(work.residual[2].offset, 7);
  for (const std::size_t offset : {packed.output, packed.first_tap, packed.taps, packed.residual})
    EXPECT_EQ(offset % 16, 0u);
}

// As a tensor core sees a term.
double cut(float term) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(term) & ~kernels::tf32::kCutBits);
}

TEST(Tf32Terms, GiveFp32sProducts) {
  std::mt19937 generator(43);
  std::uniform_real_distribution<float> mantissa(-2.0f, 2.0f);
  double bias = 0;
  constexpr int kTrials = 10'000;
  for (int trial = 0; trial < kTrials; ++trial) {
    const float a = std::ldexp(mantissa(generator), random_int(-40, 40, generator));
    const float b = std::ldexp(mantissa(generator), random_int(-40, 40, generator));
    const auto [a_large, a_rest] = kernels::tf32::terms_of(a);
    const auto [b_large, b_rest] = kernels::tf32::terms_of(b);
    EXPECT_EQ(a_large, cut(a_large));
    EXPECT_EQ(a_large + a_rest, a);
    const double product = cut(a_rest) * b_large + a_large * cut(b_rest) + double{a_large} * b_large;
    const double error = product / (double{a} * b) - 1;
    EXPECT_LE(std::abs(error), 3 * 0x1p-22) << a << " * " << b;
    bias += error / kTrials;
  }
  EXPECT_LT(std::abs(bias), 0x1p-26);
}

TEST(Tf32Terms, KeepWhatIsNotANumber) {
  for (const std::uint32_t bits : {0x7fc00000u, 0x7fffffffu, 0xffffffffu, 0x7f800001u}) {
    const auto [large, rest] = kernels::tf32::terms_of(std::bit_cast<float>(bits));
    EXPECT_TRUE(std::isnan(large + rest)) << bits;
  }
  const auto [large, rest] = kernels::tf32::terms_of(std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(large + rest));
  EXPECT_EQ(kernels::tf32::terms_of(-0.0f).large, 0.0f);
}

}  // namespace
}  // namespace backdrop
