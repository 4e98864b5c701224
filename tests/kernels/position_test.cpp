// The position kernels of every instruction set that runs here against the plain loops, over random lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/position_convolution.h"
#include "kernels/position_pool.h"
#include "kernels/split_convolution.h"
#include "tests/kernels/random_values.h"

namespace backdrop::kernels {
namespace {

using test::expect_close;
using test::poisoned;
using test::random_int;
using test::random_values;

// Random positions in a value with all three kinds of storage, and a list over them. Offsets are counted in
// blocks of `channels` floats; every store has room for `kBlocks` blocks a row.
struct RandomWork {
  static constexpr int kBlocks = 24;

  int rows;
  std::vector<std::int32_t> output, first_tap{0}, start;
  std::vector<Tap> taps, residual_taps;
  std::vector<std::vector<float>> input_store, residual_store;
  RowPointers input, residual;

  RandomWork(int channels, int out_channels, int window, int row_count, bool with_residual, bool with_start,
             std::mt19937& generator, int most_positions = 9)
      : rows(row_count) {
    const int positions = random_int(1, most_positions, generator);
    std::vector<int> weights(window);
    std::iota(weights.begin(), weights.end(), 0);
    for (int p = 0; p < positions; ++p) {
      output.push_back(p * out_channels);
      std::shuffle(weights.begin(), weights.end(), generator);
      const int count = random_int(with_start ? 0 : 1, window, generator);
      for (int t = 0; t < count; ++t) taps.push_back(random_tap(channels, weights[t], generator));
      first_tap.push_back(static_cast<std::int32_t>(taps.size()));
      if (with_residual) residual_taps.push_back(random_tap(out_channels, 0, generator));
      if (with_start) start.push_back(random_int(-1, 3, generator));
    }
    input = fill(input_store, channels, generator);
    residual = fill(residual_store, out_channels, generator);
  }

  PositionWork work() const { return {output, first_tap, taps, start, residual_taps}; }

 private:
  static Tap random_tap(int channels, int weight, std::mt19937& generator) {
    return {random_int(0, kBlocks - 1, generator) * channels, static_cast<std::int16_t>(weight),
            static_cast<Source>(random_int(0, 2, generator))};
  }

  // A separate array for each row and kind, but one for all rows of the foreground.
  RowPointers fill(std::vector<std::vector<float>>& store, int channels, std::mt19937& generator) const {
    RowPointers pointers;
    for (int r = 0; r < rows; ++r) {
      for (int kind = 0; kind < kSources; ++kind) {
        if (static_cast<Source>(kind) == Source::foreground && r > 0) {
          pointers.rows[kind][r] = pointers.rows[kind][0];
          continue;
        }
        store.push_back(random_values(std::size_t(kBlocks) * channels, generator));
        pointers.rows[kind][r] = store.back().data();
      }
    }
    return pointers;
  }
};

// Rows that nothing was written to yet.
struct PoisonedRows {
  PoisonedRows(std::size_t row_size, int count) : values(poisoned(row_size * count)) {
    for (int r = 0; r < count; ++r) rows[r] = values.data() + r * row_size;
  }
  PoisonedRows(const PoisonedRows&) = delete;
  PoisonedRows& operator=(const PoisonedRows&) = delete;

  std::vector<float> values;
  float* rows[kMaxRows] = {};
};

// Every value that `run` writes to the rows that it is given, and the multiply-adds that it returns, against
// the plain loops over the same weights.
template <class Run>
void expect_reference(const ConvolutionShape& shape, float slope, const RandomWork& random,
                      const std::vector<float>& weights, const std::vector<float>& bias,
                      const std::vector<float>& starts, int start_stride, const Run& run) {
  const int rows = random.rows;
  const std::size_t row_size = random.output.size() * shape.out_channels;
  PoisonedRows expected(row_size, rows), actual(row_size, rows);
  position_convolution_reference(shape, weights.data(), bias.data(), random.work(), rows, random.input,
                                 &random.residual, starts.data(), start_stride, slope, expected.rows);
  const std::int64_t multiply_adds = run(actual.rows);
  expect_close(actual.values, expected.values, 2e-5f);
  EXPECT_EQ(multiply_adds,
            std::int64_t(random.taps.size()) * rows * shape.channels / shape.groups * shape.out_channels);
}

class PositionKernels : public testing::TestWithParam<InstructionSet> {};

TEST_P(PositionKernels, ConvolutionEqualsReference) {
  std::mt19937 generator(21);
  for (int trial = 0; trial < 120; ++trial) {
    ConvolutionShape shape;
    shape.kernel = random_int(1, 3, generator);
    const int groups[] = {1, 1, 2, 4};
    shape.groups = groups[random_int(0, 3, generator)];
    shape.channels = shape.groups * random_int(1, 20, generator);
    shape.out_channels = shape.groups * random_int(1, shape.groups == 1 ? 150 : 24, generator);
    const float slopes[] = {1.0f, 0.0f, 0.01f};
    const float slope = slopes[random_int(0, 2, generator)];
    const int window = shape.kernel * shape.kernel;
    const bool with_residual = random_int(0, 1, generator) == 1;
    const bool with_start = random_int(0, 1, generator) == 1;
    const int rows = random_int(1, kMaxRows, generator);
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << shape.channels << " to "
                                    << shape.out_channels << " channels, " << rows << " rows");
    const RandomWork random(shape.channels, shape.out_channels, window, rows, with_residual, with_start,
                            generator);
    const auto weights =
        random_values(std::size_t(shape.out_channels) * shape.channels / shape.groups * window, generator);
    const auto bias = random_values(shape.out_channels, generator);
    const PositionConvolution convolution(shape, weights.data(), bias.data(), GetParam());
    const auto starts = random_values(std::size_t(4) * convolution.start_stride() + kPanelColumns, generator);
    expect_reference(shape, slope, random, weights, bias, starts, convolution.start_stride(),
                     [&](float* const* output) {
                       return convolution.run(random.work(), rows, random.input, &random.residual,
                                              starts.data(), slope, output);
                     });
  }
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, PositionKernels, testing::ValuesIn(usable_instruction_sets()),
                         [](const auto& parameter) {
                           return parameter.param == InstructionSet::avx512 ? "avx512"
                                  : parameter.param == InstructionSet::avx2 ? "avx2"
                                                                            : "portable";
                         });

// Whole blocks of depth and parts of them, and more rows than a chunk has.
TEST(SplitKernels, ConvolutionEqualsReference) {
  if (!SplitConvolution::applies({.channels = 128}))
    GTEST_SKIP() << "this processor lacks AMX: see test_emulated_avx512";
  std::mt19937 generator(23);
  for (int trial = 0; trial < 60; ++trial) {
    ConvolutionShape shape;
    shape.kernel = random_int(1, 3, generator);
    shape.channels = kSplitChannels * random_int(1, shape.kernel == 1 ? 40 : 6, generator);
    shape.out_channels = random_int(1, 150, generator);
    const float slopes[] = {1.0f, 0.0f, 0.01f};
    const float slope = slopes[random_int(0, 2, generator)];
    const int window = shape.kernel * shape.kernel;
    const bool with_residual = random_int(0, 1, generator) == 1;
    const bool with_start = random_int(0, 1, generator) == 1;
    const int rows = random_int(1, kMaxRows, generator);
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << shape.channels << " to "
                                    << shape.out_channels << " channels, " << rows << " rows");
    const RandomWork random(shape.channels, shape.out_channels, window, rows, with_residual, with_start,
                            generator, 40);
    const auto weights = random_values(std::size_t(shape.out_channels) * shape.channels * window, generator);
    const auto bias = random_values(shape.out_channels, generator);
    const SplitConvolution convolution(shape, weights.data(), bias.data());
    const int start_stride = (shape.out_channels + 15) / 16 * 16;
    const auto starts = random_values(std::size_t(4) * start_stride, generator);
    const AlignedBuffer scratch(convolution.scratch_bytes());
    std::fill_n(scratch.data(), scratch.size(), std::byte{0xff});
    expect_reference(shape, slope, random, weights, bias, starts, start_stride, [&](float* const* output) {
      return convolution.run(random.work(), rows, random.input, &random.residual, starts.data(), slope,
                             output, scratch.data());
    });
  }
}

// Against sums in double precision: no worse than fp32's vectors, of which a single product has an error of
// up to 2^-24.
TEST(SplitKernels, AreAsExactAsFp32) {
  if (!SplitConvolution::applies({.channels = 128}))
    GTEST_SKIP() << "this processor lacks AMX: see test_emulated_avx512";
  constexpr int kChannels = 1024;
  constexpr int kOutputs = 64;
  std::mt19937 generator(24);
  const auto weights = random_values(std::size_t(kOutputs) * kChannels, generator);
  const auto input = random_values(kChannels, generator);
  const std::vector<float> bias(kOutputs, 0.0f);
  const ConvolutionShape shape{.channels = kChannels, .out_channels = kOutputs};
  const std::vector<std::int32_t> output{0}, first_tap{0, 1};
  const std::vector<Tap> taps(1);
  const PositionWork work{output, first_tap, taps, {}, {}};
  RowPointers rows;
  rows.rows[static_cast<int>(Source::mixed)][0] = input.data();

  auto by_tiles = poisoned(kOutputs), by_vectors = poisoned(kOutputs);
  float* to = by_tiles.data();
  const SplitConvolution split(shape, weights.data(), bias.data());
  const AlignedBuffer scratch(split.scratch_bytes());
  split.run(work, 1, rows, nullptr, nullptr, 1.0f, &to, scratch.data());
  to = by_vectors.data();
  const PositionConvolution vectors(shape, weights.data(), bias.data(), InstructionSet::avx512);
  vectors.run(work, 1, rows, nullptr, nullptr, 1.0f, &to);

  double tiles_error = 0, vectors_error = 0;
  for (int k = 0; k < kOutputs; ++k) {
    double sum = 0;
    for (int c = 0; c < kChannels; ++c) sum += double{weights[k * kChannels + c]} * double{input[c]};
    tiles_error += std::pow(by_tiles[k] - sum, 2);
    vectors_error += std::pow(by_vectors[k] - sum, 2);
  }
  EXPECT_LE(tiles_error, vectors_error);
}

TEST(PositionPools, EqualPlainLoops) {
  std::mt19937 generator(22);
  for (int trial = 0; trial < 40; ++trial) {
    const int channels = random_int(1, 40, generator);
    const int rows = random_int(1, kMaxRows, generator);
    const RandomWork random(channels, channels, 9, rows, false, false, generator);
    const std::size_t row_size = random.output.size() * channels;
    PoisonedRows largest(row_size, rows), mean(row_size, rows);
    position_max_pool(channels, random.work(), rows, random.input, largest.rows);
    position_average_pool(channels, random.work(), rows, random.input, mean.rows);

    auto expected_largest = poisoned(row_size * rows);
    auto expected_mean = poisoned(row_size * rows);
    for (int p = 0; p < random.work().positions(); ++p) {
      const auto taps = random.work().taps_of(p);
      for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < channels; ++c) {
          double sum = 0;
          float best = random.input.at(taps[0], r)[c];
          for (const Tap& tap : taps) {
            sum += random.input.at(tap, r)[c];
            best = std::max(best, random.input.at(tap, r)[c]);
          }
          expected_largest[r * row_size + random.output[p] + c] = best;
          expected_mean[r * row_size + random.output[p] + c] =
              static_cast<float>(sum / static_cast<double>(taps.size()));
        }
      }
    }
    EXPECT_EQ(largest.values, expected_largest);
    expect_close(mean.values, expected_mean, 1e-5f);
  }
}

}  // namespace
}  // namespace backdrop::kernels
