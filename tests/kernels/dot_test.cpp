// Convolutions and pools below fp32, with the processor's instructions and with plain loops, against the
// reference over random lists.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/dot_convolution.h"
#include "kernels/reduced_pool.h"
#include "tests/kernels/random_values.h"

namespace backdrop::kernels {
namespace {

using test::random_int;
using test::random_values;

// Random positions in a value with all three kinds of storage, and a list over them.
struct ReducedWork {
  static constexpr int kBlocks = 24;

  int rows;
  std::vector<std::int32_t> output, first_tap{0}, start;
  std::vector<Tap> taps, residual_taps;
  std::vector<std::vector<std::byte>> stores;
  RowPointers input, residual;

  ReducedWork(Precision read, Precision written, int channels, int out_channels, int window, int row_count,
              bool with_residual, bool with_start, std::mt19937& generator)
      : rows(row_count) {
    const int positions = random_int(1, 9, generator);
    for (int p = 0; p < positions; ++p) {
      output.push_back(p * out_channels);
      // Each place of the window at most once: stored weights are so large that their sum just fits.
      const int count = random_int(with_start ? 0 : 1, window, generator);
      const int first = random_int(0, window - count, generator);
      for (int t = 0; t < count; ++t) {
        taps.push_back(random_tap(channels, first + t, generator));
        // Often the next of a row of pixels.
        if (t > 0 && random_int(0, 2, generator) > 0) follow(taps.end()[-2], channels, taps.back());
      }
      first_tap.push_back(static_cast<std::int32_t>(taps.size()));
      if (with_residual) residual_taps.push_back(random_tap(out_channels, 0, generator));
      if (with_start) start.push_back(random_int(-1, 3, generator));
    }
    fill(read, channels, generator, input);
    fill(written, out_channels, generator, residual);
  }

  PositionWork work() const { return {output, first_tap, taps, start, residual_taps}; }

  // Of values of 16 bits.
  void make_nonnegative() {
    for (std::vector<std::byte>& store : stores) {
      for (std::size_t at = 0; at < store.size(); at += sizeof(std::int16_t)) {
        std::int16_t value;
        std::memcpy(&value, &store[at], sizeof value);
        value = static_cast<std::int16_t>(std::abs(value));
        std::memcpy(&store[at], &value, sizeof value);
      }
    }
  }

 private:
  static Tap random_tap(int channels, int weight, std::mt19937& generator) {
    return {random_int(0, kBlocks - 1, generator) * channels, static_cast<std::int16_t>(weight),
            static_cast<Source>(random_int(0, 2, generator))};
  }

  static void follow(const Tap& before, int channels, Tap& tap) {
    if (before.offset + channels >= kBlocks * channels) return;
    tap.offset = before.offset + channels;
    tap.source = before.source;
  }

  void fill(Precision precision, int channels, std::mt19937& generator, RowPointers& pointers) {
    // Rows lie in one store, evenly spaced as a batch's are, or each in its own.
    const bool even = random_int(0, 1, generator) == 1;
    for (int kind = 0; kind < kSources; ++kind) {
      for (int r = 0; r < rows; ++r) {
        std::vector<std::byte>& store = even && r > 0 ? stores.back() : stores.emplace_back();
        for (const float value : random_values(std::size_t(kBlocks) * channels, generator)) {
          const std::uint16_t rounded =
              precision == Precision::int16
                  ? static_cast<std::uint16_t>(random_int(-kInt16Most, kInt16Most, generator))
                  : to_bf16(value);
          const auto* bytes = reinterpret_cast<const std::byte*>(&rounded);
          if (precision == Precision::int8)
            store.push_back(static_cast<std::byte>(random_int(0, 255, generator)));
          else
            store.insert(store.end(), bytes, bytes + sizeof rounded);
        }
        if (!even) pointers.rows[kind][r] = store.data();
      }
      const std::size_t row_bytes = stores.back().size() / rows;
      for (int r = 0; even && r < rows; ++r) pointers.rows[kind][r] = stores.back().data() + r * row_bytes;
    }
  }
};

// What a run wrote, for each row: elements of any kind, poisoned before.
struct Outputs {
  std::vector<std::vector<float>> rows;
  std::vector<void*> pointers;

  Outputs(int count, std::size_t elements) {
    for (int r = 0; r < count; ++r) rows.emplace_back(elements, -12345.0f);
    for (auto& row : rows) pointers.push_back(row.data());
  }
  template <class Element>
  const Element* row(int r) const {
    return reinterpret_cast<const Element*>(rows[r].data());
  }
};

// `precision` and `written`: of products and of stored outputs.
void expect_equal(Precision precision, Precision written, DotOutput kind, const Outputs& actual,
                  const Outputs& expected, std::size_t elements) {
  for (std::size_t r = 0; r < expected.rows.size(); ++r) {
    const auto row = static_cast<int>(r);
    for (std::size_t i = 0; i < elements; ++i) {
      if (kind == DotOutput::sums && precision != Precision::bf16) {
        ASSERT_EQ(actual.row<std::int32_t>(row)[i], expected.row<std::int32_t>(row)[i]) << i;
        continue;
      }
      if (kind == DotOutput::stored && written == Precision::int8) {
        // Sums of bfloat16 products depend on their order.
        const int allowed = precision == Precision::int8 ? 0 : 1;
        ASSERT_NEAR(actual.row<std::uint8_t>(row)[i], expected.row<std::uint8_t>(row)[i], allowed) << i;
        continue;
      }
      if (kind == DotOutput::stored && written == Precision::int16) {
        ASSERT_EQ(actual.row<std::int16_t>(row)[i], expected.row<std::int16_t>(row)[i]) << i;
        continue;
      }
      const bool stored = kind == DotOutput::stored;
      const float want = stored ? to_float(expected.row<Bf16>(row)[i]) : expected.row<float>(row)[i];
      const float have = stored ? to_float(actual.row<Bf16>(row)[i]) : actual.row<float>(row)[i];
      ASSERT_NEAR(have, want, (stored ? 1.0f / 128 : 3e-5f) * std::max(1.0f, std::abs(want))) << i;
    }
  }
}

struct Case {
  Precision read;
  Precision precision;  // of the products
  Precision written;
  bool portable;
};

class DotKernels : public testing::TestWithParam<Case> {};

TEST_P(DotKernels, ConvolutionEqualsReference) {
  const auto [read, precision, written, portable] = GetParam();
  for (const Precision needed : {read, precision, written})
    if (!portable && !has_dot_instructions(needed))
      GTEST_SKIP() << "this processor lacks the instructions for " << name(needed);
  std::mt19937 generator(51);
  for (int trial = 0; trial < 150; ++trial) {
    ConvolutionShape shape;
    shape.kernel = read == precision ? random_int(1, 3, generator) : 1;
    const int groups[] = {1, 1, 2, 4};
    shape.groups = groups[random_int(0, 3, generator)];
    // Sometimes whole lines of channels, which AMX takes.
    const int granules =
        trial % 3 == 0 ? kLineBytes / kGroupBytes * random_int(1, 3, generator) : random_int(1, 9, generator);
    shape.channels = shape.groups * dot_granule(precision) * granules;
    shape.out_channels = shape.groups * random_int(1, shape.groups == 1 ? 150 : 24, generator);
    const float slopes[] = {1.0f, 0.0f, 0.01f};
    shape.slope = slopes[random_int(0, 2, generator)];
    const int window = shape.kernel * shape.kernel;
    const int rows = random_int(1, kMaxRows, generator);
    const auto kind = static_cast<DotOutput>(random_int(0, 2, generator));
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << shape.channels << " to "
                                    << shape.out_channels << " channels, " << rows << " rows, output "
                                    << static_cast<int>(kind));
    ReducedWork random(read, written, shape.channels, shape.out_channels, window, rows,
                       random_int(0, 1, generator) == 1, random_int(0, 1, generator) == 1, generator);
    const auto weights =
        random_values(std::size_t(shape.out_channels) * shape.channels / shape.groups * window, generator);
    const auto bias = random_values(shape.out_channels, generator);
    DotScales scales;
    const bool centred = random_int(0, 1, generator) == 1;
    for (int c = 0; c < shape.channels; ++c)
      scales.input.push_back({0.01f + 0.001f * static_cast<float>(c % 3), centred ? 117.3f : 0.0f});
    if (read != precision) scales.input.assign(shape.channels, {0.01f, centred ? 117.0f : 0.0f});
    scales.residual = {0.02f, 100.0f};
    scales.output = {0.07f, 31.0f};
    if (precision == Precision::int16) {
      scales.input.assign(shape.channels, {0.0002f, 0.0f});
      scales.residual = {0.0003f, 0.0f};
      scales.output = {0.0007f, 0.0f};
      scales.nonnegative = centred;
      if (centred) random.make_nonnegative();
    }
    if (read != precision) scales.read = read;
    if (written != precision) scales.written = written;
    if (precision == Precision::bf16) scales.terms = random_int(1, 2, generator);
    const DotConvolution convolution(precision, shape, weights.data(), bias.data(), scales, portable);
    std::vector<std::int32_t> starts(std::size_t(4) * convolution.start_stride() + kDotPanelColumns);
    for (std::int32_t& start : starts) {
      start = random_int(-30000, 30000, generator);
      const float real = static_cast<float>(start) / 10000;
      if (precision == Precision::bf16) std::memcpy(&start, &real, sizeof real);
    }

    const std::size_t elements = random.output.size() * shape.out_channels;
    Outputs expected(rows, elements);
    Outputs actual(rows, elements);
    dot_convolution_reference(precision, shape, weights.data(), bias.data(), scales, random.work(), rows,
                              random.input, &random.residual, starts.data(), convolution.start_stride(), kind,
                              expected.pointers.data());
    const auto multiply_adds = convolution.run(random.work(), rows, random.input, &random.residual,
                                               starts.data(), kind, actual.pointers.data());
    expect_equal(precision, written, kind, actual, expected, elements);
    EXPECT_EQ(multiply_adds,
              std::int64_t(random.taps.size()) * rows * shape.channels / shape.groups * shape.out_channels);
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, DotKernels,
                         testing::Values(Case{Precision::int8, Precision::int8, Precision::int8, false},
                                         Case{Precision::int8, Precision::int8, Precision::int8, true},
                                         Case{Precision::int8, Precision::int8, Precision::bf16, false},
                                         Case{Precision::int8, Precision::int8, Precision::bf16, true},
                                         Case{Precision::bf16, Precision::int8, Precision::int8, false},
                                         Case{Precision::bf16, Precision::int8, Precision::int8, true},
                                         Case{Precision::int16, Precision::int16, Precision::int16, false},
                                         Case{Precision::int16, Precision::int16, Precision::int16, true},
                                         Case{Precision::bf16, Precision::bf16, Precision::bf16, false},
                                         Case{Precision::bf16, Precision::bf16, Precision::bf16, true},
                                         Case{Precision::bf16, Precision::bf16, Precision::int8, false},
                                         Case{Precision::bf16, Precision::bf16, Precision::int8, true}),
                         [](const auto& parameter) {
                           const bool bytes = parameter.param.read != parameter.param.precision;
                           return std::string(name(parameter.param.read)) + (bytes ? "_as_bytes" : "") +
                                  "_to_" + std::string(name(parameter.param.written)) +
                                  (parameter.param.portable ? "_portable" : "_instructions");
                         });

// One term rounds weights to 2^-9 of themselves, two to 2^-18.
TEST(Bfloat16Convolution, TwoTermsHaveHardlyAnyRounding) {
  std::mt19937 generator(57);
  const ConvolutionShape shape{.channels = 64, .out_channels = 48, .kernel = 3};
  const ReducedWork random(Precision::bf16, Precision::bf16, shape.channels, shape.out_channels, 9, 8, false,
                           false, generator);
  const auto weights = random_values(std::size_t(shape.out_channels) * shape.channels * 9, generator);
  const std::vector<float> bias(shape.out_channels, 0.0f);
  const PositionWork work = random.work();
  for (const bool portable : {true, false}) {
    double error[2] = {};
    for (const int terms : {1, 2}) {
      DotScales scales;
      scales.terms = terms;
      const DotConvolution convolution(Precision::bf16, shape, weights.data(), bias.data(), scales, portable);
      Outputs actual(random.rows, random.output.size() * shape.out_channels);
      convolution.run(work, random.rows, random.input, nullptr, nullptr, DotOutput::real,
                      actual.pointers.data());
      for (int p = 0; p < work.positions(); ++p)
        for (int k = 0; k < shape.out_channels; ++k) {
          double exact = 0;
          for (const Tap& tap : work.taps_of(p))
            for (int c = 0; c < shape.channels; ++c)
              exact += double{weights[(std::size_t(k) * shape.channels + c) * 9 + tap.weight]} *
                       to_float(random.input.at<Bf16>(tap, 0)[c]);
          error[terms - 1] =
              std::max(error[terms - 1], std::abs(exact - actual.row<float>(0)[p * shape.out_channels + k]));
        }
    }
    EXPECT_GT(error[0], 100 * error[1]) << portable;
    EXPECT_LT(error[1], 1e-4) << portable;
  }
}

// An overflow must not become an activation of 0 behind a rectifier: decisions that are not finite are made
// again.
TEST(Bfloat16Convolution, WhatIsNotANumberStays) {
  const ConvolutionShape shape{.channels = 32, .out_channels = 70, .slope = 0.0f};
  const std::vector<float> weights(std::size_t(shape.channels) * shape.out_channels, 1.0f);
  const std::vector<float> bias(shape.out_channels, 0.0f);
  for (const bool portable : {true, false}) {
    const DotConvolution convolution(Precision::bf16, shape, weights.data(), bias.data(), {}, portable);
    const std::vector<Bf16> input(shape.channels, to_bf16(NAN));
    std::vector<Bf16> output(shape.out_channels, to_bf16(1.0f));
    RowPointers rows;
    rows.rows[0][0] = input.data();
    void* const outputs[] = {output.data()};
    const std::vector<std::int32_t> place{0}, first_tap{0, 1};
    const std::vector<Tap> taps{{0, 0, Source::mixed}};
    convolution.run({place, first_tap, taps, {}, {}}, 1, rows, nullptr, nullptr, DotOutput::stored, outputs);
    for (const Bf16 value : output) EXPECT_TRUE(std::isnan(to_float(value))) << portable;
  }
}

// Whole strips of columns and what is left of one, which have code of their own. (Behind a rectifier minus
// infinity may be either end.)
TEST(Int16Convolution, WhatIsTooLargeOrNotANumberIsAnEndOfTheRange) {
  constexpr float kHuge = std::numeric_limits<float>::max();
  std::mt19937 generator(58);
  for (const float slope : {1.0f, 0.0f, 0.01f}) {
    std::vector<float> ends{NAN, INFINITY, kHuge, -kHuge, 1e20f, -1e20f, 0.5f};
    if (slope != 0.0f) ends.push_back(-INFINITY);
    const ConvolutionShape shape{.channels = 8, .out_channels = 42, .slope = slope};
    const auto weights = random_values(std::size_t(shape.out_channels) * shape.channels, generator);
    std::vector<float> bias;
    for (int k = 0; k < shape.out_channels; ++k) bias.push_back(ends[k % ends.size()]);
    DotScales scales;
    scales.input.assign(shape.channels, {0.0002f, 0.0f});
    scales.residual = {0.0003f, 0.0f};
    scales.output = {0.0007f, 0.0f};
    for (const bool adds : {false, true}) {
      const ReducedWork random(Precision::int16, Precision::int16, shape.channels, shape.out_channels, 1, 7,
                               adds, false, generator);
      const std::size_t elements = random.output.size() * shape.out_channels;
      for (const bool portable : {true, false}) {
        SCOPED_TRACE(testing::Message()
                     << "slope " << slope << ", adds " << adds << ", portable " << portable);
        const DotConvolution convolution(Precision::int16, shape, weights.data(), bias.data(), scales,
                                         portable);
        Outputs expected(random.rows, elements), actual(random.rows, elements);
        dot_convolution_reference(Precision::int16, shape, weights.data(), bias.data(), scales, random.work(),
                                  random.rows, random.input, &random.residual, nullptr, 0, DotOutput::stored,
                                  expected.pointers.data());
        convolution.run(random.work(), random.rows, random.input, &random.residual, nullptr,
                        DotOutput::stored, actual.pointers.data());
        expect_equal(Precision::int16, Precision::int16, DotOutput::stored, actual, expected, elements);
      }
    }
  }
}

TEST(ReducedPools, EqualPlainLoops) {
  std::mt19937 generator(52);
  for (int trial = 0; trial < 60; ++trial) {
    constexpr Precision kPrecisions[] = {Precision::int8, Precision::bf16, Precision::int16};
    const Precision precision = kPrecisions[trial % 3];
    const int channels = random_int(1, 40, generator);
    const int rows = random_int(1, kMaxRows, generator);
    const ReducedWork random(precision, precision, channels, channels, 9, rows, false, false, generator);
    const ReducedPool pool{
        precision, channels,
        precision == Precision::int16 ? ValueScale{0.0002f, 0.0f} : ValueScale{0.05f, 40.0f},
        precision == Precision::int16 ? ValueScale{0.0003f, 0.0f} : ValueScale{0.04f, 30.0f},
        trial % 4 < 2 ? DotOutput::stored : DotOutput::real};
    const std::size_t elements = random.output.size() * channels;
    Outputs largest(rows, elements);
    Outputs mean(rows, elements);
    reduced_max_pool(pool, random.work(), rows, random.input, largest.pointers.data());
    reduced_average_pool(pool, random.work(), rows, random.input, mean.pointers.data());
    const auto real = [&](const Tap& tap, int r, int c) {
      if (precision == Precision::int16)
        return to_float(random.input.at<std::int16_t>(tap, r)[c], pool.input);
      return precision == Precision::int8 ? to_float(random.input.at<std::uint8_t>(tap, r)[c], pool.input)
                                          : to_float(random.input.at<Bf16>(tap, r)[c]);
    };
    const auto written = [&](const Outputs& outputs, int r, std::size_t i, const ValueScale& scale) {
      if (pool.kind == DotOutput::real) return outputs.row<float>(r)[i];
      if (precision == Precision::int16) return to_float(outputs.row<std::int16_t>(r)[i], scale);
      return precision == Precision::int8 ? to_float(outputs.row<std::uint8_t>(r)[i], scale)
                                          : to_float(outputs.row<Bf16>(r)[i]);
    };
    for (int p = 0; p < random.work().positions(); ++p) {
      const auto taps = random.work().taps_of(p);
      for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < channels; ++c) {
          double sum = 0;
          float best = real(taps[0], r, c);
          for (const Tap& tap : taps) {
            sum += real(tap, r, c);
            best = std::max(best, real(tap, r, c));
          }
          const std::size_t place = static_cast<std::size_t>(random.output[p] + c);
          const auto average = static_cast<float>(sum / static_cast<double>(taps.size()));
          ASSERT_FLOAT_EQ(written(largest, r, place, pool.input), best);
          const float step = pool.kind == DotOutput::real    ? 1e-5f
                             : precision == Precision::int8  ? 0.021f
                             : precision == Precision::int16 ? 0.00016f
                                                             : std::abs(average) / 200 + 1e-5f;
          const float bounded = precision == Precision::int8 && pool.kind == DotOutput::stored
                                    ? std::clamp(average, -30 * 0.04f, 225 * 0.04f)
                                    : average;
          ASSERT_NEAR(written(mean, r, place, pool.output), bounded, step);
        }
      }
    }
  }
}

}  // namespace
}  // namespace backdrop::kernels
