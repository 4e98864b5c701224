// e4m3 by its definition, and the GPU's convolutions and pools in it, emulated thread by thread.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/cuda_pool.h"
#include "tests/cuda/emulated_tile.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/random_fp8.h"

namespace backdrop {
namespace {

namespace e4m3 = kernels::e4m3;
using kernels::DotOutput;

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

template <int kColumns>
void compare(const test::Fp8Case& c, std::mt19937& generator) {
  const test::RandomFp8 random(c, generator);
  std::vector<std::uint8_t> output = random.poison();
  kernels::ConvolutionArguments arguments = random.arguments();
  arguments.output = {output.data(), random.row_size, nullptr, c.kind};
  test::emulate<test::EmulatedMatrixMath<test::Fp8Operands, kColumns>>(arguments);
  random.expect_output(output);
}

TEST(CudaFp8, ConvolutionsEqualThePlainLoops) {
  std::mt19937 generator(81);
  for (int trial = 0; trial < 16; ++trial) {
    const test::Fp8Case c = test::random_fp8_case(generator);
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << c.positions << " positions, " << c.rows
                                    << " rows, " << c.shape.channels << " to " << c.shape.out_channels
                                    << ", kind " << static_cast<int>(c.kind));
    trial % 2 == 0 ? compare<64>(c, generator) : compare<128>(c, generator);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CudaFp8, PoolsAreOfTheStoredValues) {
  std::mt19937 generator(82);
  constexpr int kChannels = 24, kRows = 5, kPositions = 7;
  constexpr std::int64_t kRowSize = kPositions * kChannels;
  const test::RandomList list(kPositions, kChannels, kChannels, 9, 1, false, false, generator);
  const test::RandomValue<test::HostFp8> input(kChannels, kRows, generator);
  for (const bool average : {false, true}) {
    std::vector<std::uint16_t> halves(kRowSize * kRows, 0x7f7f);
    std::vector<std::uint8_t> bytes(kRowSize * kRows, 0x7f);
    kernels::PoolArguments arguments{list.device(), kRows, kChannels, average, input.rows(), {},
                                     false,         {},    {}};
    arguments.input_scale = arguments.output_scale = kernels::device_scale({test::kFp8InputScale, 0.0f});
    for (const bool to_bfloat16 : {true, false}) {
      void* to = to_bfloat16 ? static_cast<void*>(halves.data()) : bytes.data();
      arguments.output = {to, kRowSize, nullptr, DotOutput::stored};
      arguments.to_bfloat16 = to_bfloat16;
      for (std::int64_t piece = 0; piece < kernels::pool_pieces(arguments); ++piece)
        kernels::pool_fp8_piece<test::HostBfloat16>(arguments, piece);
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
          constexpr float kLeastStep = test::kFp8InputScale * e4m3::kSmallestNormal / 8;
          ASSERT_NEAR(test::HostBfloat16::to_float(halves[i]), pooled, std::abs(pooled) / 256 + 1e-6f);
          ASSERT_NEAR(test::HostFp8::to_float(bytes[i]), pooled,
                      std::abs(pooled) / 16 + kLeastStep / 2 + 1e-6f);
        }
  }
}

}  // namespace
}  // namespace backdrop
