// e4m3 by its definition, and the GPU's convolutions and pools in it, emulated thread by thread.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cuda_parts.h"
#include "kernels/fp8_weights.h"
#include "tests/cuda/emulated_tile.h"
#include "tests/cuda/random_device_work.h"

namespace backdrop {
namespace {

namespace e4m3 = kernels::e4m3;
using kernels::ConvolutionShape;
using kernels::DotOutput;
using test::random_int;

constexpr float kInputScale = 0.01f;

TEST(E4m3, All256CodesAreWhatTheFormatSays) {
  for (int code = 0; code < 256; ++code) {
    const int exponent = code >> 3 & 15;
    const int mantissa = code & 7;
    const float value = e4m3::decode(static_cast<std::uint8_t>(code));
    if (exponent == 15 && mantissa == 7) {
      EXPECT_TRUE(std::isnan(value)) << code;
      EXPECT_EQ(e4m3::encode(value), 0x7f);
      continue;
    }
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
    EXPECT_EQ(value, (code & 0x80) != 0 ? -magnitude : magnitude) << code;
    EXPECT_EQ(std::signbit(value), (code & 0x80) != 0);
    EXPECT_EQ(e4m3::encode(value), code);
    float low = 0, high = 0;
    e4m3::decode_pair(static_cast<std::uint16_t>(code | 0x3800), low, high);
    EXPECT_EQ(low, value);
    EXPECT_EQ(high, 1.0f);
    EXPECT_EQ(e4m3::encode_pair(1.0f, value), static_cast<std::uint16_t>(0x38 | code << 8));
  }
}

TEST(E4m3, RoundsToTheNearestTiesToEvenAndSaturates) {
  for (int code = 0; code < 0x7e; ++code) {
    const float below = e4m3::decode(static_cast<std::uint8_t>(code));
    const float above = e4m3::decode(static_cast<std::uint8_t>(code + 1));
    const float middle = (below + above) / 2;
    EXPECT_EQ(e4m3::encode(middle), code % 2 == 0 ? code : code + 1) << code;
    EXPECT_EQ(e4m3::encode(std::nextafter(middle, 0.0f)), code);
    EXPECT_EQ(e4m3::encode(std::nextafter(middle, 1e9f)), code + 1);
    EXPECT_EQ(e4m3::encode(-std::nextafter(middle, 1e9f)), (code + 1) | 0x80);
  }
  for (const float large : {448.1f, 463.9f, 464.0f, 480.0f, 1e30f, INFINITY}) {
    EXPECT_EQ(e4m3::encode(large), 0x7e);
    EXPECT_EQ(e4m3::encode(-large), 0xfe);
  }
  EXPECT_EQ(e4m3::encode(1e-9f), 0);
  EXPECT_EQ(e4m3::encode(-1e-9f), 0x80);
}

TEST(E4m3, ScalesLeaveRoomAboveTheRange) {
  EXPECT_FLOAT_EQ(kernels::fp8_scale({0.1f, 0.0f}) * e4m3::kLargest, 4 * 25.5f);
  EXPECT_FLOAT_EQ(kernels::fp8_scale({0.1f, 200.0f}) * e4m3::kLargest, 4 * 20.0f);
}

// Stored elements for RandomValue.
struct HostFp8 {
  using Element = std::uint8_t;
  static float to_float(Element stored) { return kInputScale * e4m3::decode(stored); }
  static Element from_float(float value) { return e4m3::encode(value / kInputScale); }
};

struct Case : test::DeviceCase {
  DotOutput kind = DotOutput::stored;
};

Case random_case(std::mt19937& generator) {
  Case random{test::random_device_case(16, 5, 0.0f, 60, generator)};
  random.kind = random_int(0, 1, generator) == 1 ? DotOutput::stored : DotOutput::real;
  return random;
}

// The stored weights as floats, in the checkpoint's order.
std::vector<float> decoded(const ConvolutionShape& shape, const kernels::Fp8Weights& stored) {
  const int window = shape.kernel * shape.kernel;
  const int channels = shape.channels / shape.groups;
  std::vector<float> weights(stored.values.size());
  for (int k = 0; k < shape.out_channels; ++k)
    for (int c = 0; c < channels; ++c)
      for (int tap = 0; tap < window; ++tap)
        weights[(std::size_t(k) * channels + c) * window + tap] =
            stored.scale[k] / kInputScale *
            e4m3::decode(stored.values[(std::size_t(k) * window + tap) * channels + c]);
  return weights;
}

template <int kColumns>
void compare(const Case& c, std::mt19937& generator) {
  const ConvolutionShape& shape = c.shape;
  const test::RandomList list(c.positions, shape.channels, shape.out_channels, c.window(),
                              c.with_start ? 0 : 1, c.with_start, c.with_residual, generator);
  const test::RandomValue<HostFp8> input(shape.channels, c.rows, generator);
  const test::RandomValue<HostFp8> residual(shape.out_channels, c.rows, generator);
  const auto weights =
      test::random_values(std::size_t(shape.out_channels) * c.group_channels() * c.window(), generator);
  const auto bias = test::random_values(shape.out_channels, generator);
  const kernels::Fp8Weights stored = kernels::store_fp8(shape, weights.data(), kInputScale);
  const int start_stride = (shape.out_channels + 15) / 16 * 16;
  // Start sums without the bias, in units of products; with it for the plain loops.
  const auto starts = test::random_values(std::size_t(4) * start_stride, generator);
  std::vector<float> raw_starts(starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i)
    if (const std::size_t k = i % start_stride; k < bias.size())
      raw_starts[i] = (starts[i] - bias[k]) / stored.scale[k];

  const std::int64_t row_size = std::int64_t{c.positions} * shape.out_channels;
  std::vector<float> actual(row_size * c.rows, 1e30f);
  std::vector<std::uint8_t> bytes(row_size * c.rows, 0x7f);
  kernels::ConvolutionArguments arguments = test::arguments_of(c);
  arguments.work = list.device();
  arguments.input = input.rows();
  arguments.residual = residual.rows();
  arguments.weights = stored.values.data();
  arguments.bias = bias.data();
  arguments.starts = raw_starts.data();
  arguments.start_stride = start_stride;
  arguments.scales.scale = stored.scale.data();
  arguments.scales.residual = kernels::device_scale({kInputScale, 0.0f});
  arguments.scales.output = kernels::device_scale({0.25f, 0.0f});
  const bool as_floats = c.kind == DotOutput::real;
  arguments.output = {as_floats ? static_cast<void*>(actual.data()) : bytes.data(), row_size, nullptr,
                      c.kind};
  test::emulate<test::EmulatedMatrixMath<test::Fp8Operands, kColumns>>(arguments);
  if (!as_floats)
    for (std::size_t i = 0; i < bytes.size(); ++i) actual[i] = 0.25f * e4m3::decode(bytes[i]);

  const std::vector<float> plain = decoded(shape, stored);
  auto expected = test::poisoned(actual.size());
  for (int first = 0; first < c.rows; first += kernels::kMaxRows) {
    const int count = std::min(kernels::kMaxRows, c.rows - first);
    const kernels::RowPointers inputs = input.pointers(first, count);
    const kernels::RowPointers residuals = residual.pointers(first, count);
    float* rows[kernels::kMaxRows];
    for (int r = 0; r < count; ++r) rows[r] = expected.data() + (first + r) * row_size;
    kernels::position_convolution_reference(shape, plain.data(), bias.data(), list.host(), count, inputs,
                                            &residuals, starts.data(), start_stride, shape.slope, rows);
  }
  // Stored values are within half of a step, which is a sixteenth, or of the smallest one.
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i],
                as_floats ? 1e-3f : std::abs(expected[i]) / 15.0f + 0.25f * 0x1p-9f + 1e-3f)
        << i;
}

TEST(CudaFp8, ConvolutionsEqualThePlainLoops) {
  std::mt19937 generator(81);
  for (int trial = 0; trial < 16; ++trial) {
    const Case c = random_case(generator);
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << c.positions << " positions, " << c.rows
                                    << " rows, " << c.shape.channels << " to " << c.shape.out_channels);
    trial % 2 == 0 ? compare<64>(c, generator) : compare<128>(c, generator);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CudaFp8, PoolsAreOfTheStoredValues) {
  std::mt19937 generator(82);
  constexpr int kChannels = 24, kRows = 5, kPositions = 7;
  constexpr std::int64_t kRowSize = kPositions * kChannels;
  const test::RandomList list(kPositions, kChannels, kChannels, 9, 1, false, false, generator);
  const test::RandomValue<HostFp8> input(kChannels, kRows, generator);
  for (const bool average : {false, true}) {
    std::vector<float> actual(kRowSize * kRows, 1e30f);
    std::vector<std::uint8_t> bytes(kRowSize * kRows, 0x7f);
    kernels::PoolArguments arguments{list.device(), kRows, kChannels, average, input.rows(), {}, {}, {}};
    arguments.input_scale = arguments.output_scale = kernels::device_scale({kInputScale, 0.0f});
    for (const DotOutput kind : {DotOutput::real, DotOutput::stored}) {
      void* to = kind == DotOutput::real ? static_cast<void*>(actual.data()) : bytes.data();
      arguments.output = {to, kRowSize, nullptr, kind};
      for (std::int64_t piece = 0; piece < kernels::pool_pieces(arguments); ++piece)
        kernels::pool_fp8_piece(arguments, piece);
    }
    for (int p = 0; p < kPositions; ++p)
      for (int r = 0; r < kRows; ++r)
        for (int k = 0; k < kChannels; ++k) {
          const auto taps = list.host().taps_of(p);
          const auto pointers = input.pointers(r, 1);
          float pooled = average ? 0.0f : -1e9f;
          for (const auto& tap : taps) {
            const float value = pointers.at<float>(tap, 0)[k];
            pooled = average ? pooled + value / static_cast<float>(taps.size()) : std::max(pooled, value);
          }
          const std::size_t i = r * kRowSize + p * kChannels + k;
          ASSERT_NEAR(actual[i], pooled, 1e-4f);
          ASSERT_EQ(bytes[i], e4m3::encode(actual[i] * arguments.output_scale.inverse));
        }
  }
}

}  // namespace
}  // namespace backdrop
