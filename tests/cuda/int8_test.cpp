// The GPU's 8-bit convolutions and pools, emulated thread by thread, against the CPU's: bit for bit.
#include <gtest/gtest.h>

#include "kernels/cuda_pool.h"
#include "kernels/reduced_pool.h"
#include "tests/cuda/emulated_tile.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/random_int8.h"

namespace backdrop {
namespace {

using kernels::DotOutput;
using kernels::ValueScale;
using kernels::tile::Loader;
using kernels::tile::PixelLoader;
using test::DeviceWeights;
using test::HostBytes;
using test::Int8Case;
using test::random_int;

template <int kColumns>
using Warps = test::EmulatedMatrixMath<test::Int8Operands, kColumns>;

template <class Element, class Math, template <class, int, class> class Copies>
void compare(const Int8Case& c, std::mt19937& generator) {
  const test::RandomInt8 random(c, generator);
  const DeviceWeights device(c.shape, random.weights, random.scales);
  std::vector<Element> output(random.row_size * c.rows, Element{78});
  kernels::ConvolutionArguments arguments = random.arguments(device);
  arguments.output = {output.data(), random.row_size, nullptr, c.kind};
  test::emulate<Math, Copies>(arguments);
  ASSERT_EQ(output, random.expected<Element>());
}

template <class Math, template <class, int, class> class Copies>
void compare_random_cases(unsigned seed, int trials) {
  using Rows = typename Math::Rows;
  std::mt19937 generator(seed);
  for (int trial = 0; trial < trials; ++trial) {
    const bool pixels = std::is_same_v<Copies<std::uint8_t, 64, Rows>, PixelLoader<std::uint8_t, 64, Rows>>;
    const Int8Case c = test::random_int8_case(pixels, generator);
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << c.positions << " positions, " << c.rows
                                    << " rows, " << c.shape.channels << " to " << c.shape.out_channels
                                    << ", kind " << static_cast<int>(c.kind));
    if (c.kind == DotOutput::stored) compare<std::uint8_t, Math, Copies>(c, generator);
    if (c.kind == DotOutput::real) compare<float, Math, Copies>(c, generator);
    if (c.kind == DotOutput::sums) compare<std::int32_t, Math, Copies>(c, generator);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CudaInt8, ConvolutionsEqualTheCpusToTheBit) {
  compare_random_cases<Warps<64>, Loader>(61, 20);
  compare_random_cases<Warps<128>, Loader>(62, 12);
}

TEST(CudaInt8, ConvolutionsOfPixelsEqualTheCpusToTheBit) {
  compare_random_cases<Warps<64>, PixelLoader>(65, 20);
  compare_random_cases<test::EmulatedWarpgroupMath<test::Int8Operands, 64>, PixelLoader>(66, 20);
}

TEST(CudaInt8, TheLargestSumsFit) {
  std::mt19937 generator(63);
  Int8Case c;
  c.shape = {0, 0, 4608, 16, 1, 1, 0, 1, 1.0f};
  c.kind = DotOutput::sums;
  c.rows = 3;
  compare<std::int32_t, Warps<64>, Loader>(c, generator);
}

TEST(CudaInt8, StoredValuesAreTheCpus) {
  const ValueScale scale{0.013f, 31.0f};
  const kernels::DeviceScale device = kernels::device_scale(scale);
  for (int i = -2000; i < 6000; ++i) {
    const float value = 0.001f * static_cast<float>(i);
    ASSERT_EQ(kernels::int8::to_stored(value, device), kernels::to_uint8(value, scale)) << value;
  }
  EXPECT_EQ(kernels::int8::to_stored(INFINITY, device), 255);
  EXPECT_EQ(kernels::int8::to_stored(-INFINITY, device), 0);
  EXPECT_EQ(kernels::int8::to_stored(NAN, device), 0);
}

TEST(CudaInt8, PoolsEqualTheCpus) {
  std::mt19937 generator(64);
  for (int trial = 0; trial < 30; ++trial) {
    const int channels = 8 * random_int(1, 5, generator);
    const int rows = random_int(1, kernels::kMaxRows, generator);
    const int positions = random_int(1, 9, generator);
    const test::RandomList list(positions, channels, channels, 9, 1, false, false, generator);
    const test::RandomValue<HostBytes> input(channels, rows, generator);
    const std::int64_t row_size = std::int64_t{positions} * channels;
    for (const bool average : {false, true}) {
      for (const DotOutput kind : {DotOutput::stored, DotOutput::real}) {
        kernels::ReducedPool pool{Precision::int8, channels, {0.02f, 17.0f}, {0.015f, 9.0f}, kind};
        std::vector<float> actual(row_size * rows, 78.0f), expected(row_size * rows, 77.0f);
        kernels::PoolArguments arguments{list.device(), rows, channels, average, input.rows(), {},
                                         false,         {},   {}};
        arguments.input_scale = kernels::device_scale(pool.input);
        arguments.output_scale = kernels::device_scale(pool.output);
        arguments.output = {actual.data(), row_size, nullptr, DotOutput::stored};
        arguments.to_bfloat16 = kind == DotOutput::real;
        for (std::int64_t piece = 0; piece < kernels::pool_pieces(arguments); ++piece)
          kernels::pool_int8_piece<test::HostBfloat16>(arguments, piece);
        void* output[kernels::kMaxRows];
        const std::int64_t row_bytes =
            row_size * static_cast<std::int64_t>(kind == DotOutput::real ? sizeof(float) : 1);
        for (int r = 0; r < rows; ++r)
          output[r] = reinterpret_cast<std::byte*>(expected.data()) + r * row_bytes;
        (average ? kernels::reduced_average_pool : kernels::reduced_max_pool)(
            pool, list.host(), rows, input.stored_pointers(0, rows), output);
        if (kind == DotOutput::real) {
          const auto* got = reinterpret_cast<const std::uint16_t*>(actual.data());
          for (std::int64_t i = 0; i < row_size * rows; ++i) {
            const int wanted = test::HostBfloat16::from_float(expected[i]);
            ASSERT_LE(std::abs(got[i] - wanted), average ? 1 : 0) << i;
          }
          continue;
        }
        // Averages are rounded from sums made in another order.
        const auto* got = reinterpret_cast<const std::uint8_t*>(actual.data());
        const auto* wanted = reinterpret_cast<const std::uint8_t*>(expected.data());
        for (std::int64_t i = 0; i < row_size * rows; ++i)
          ASSERT_LE(std::abs(got[i] - wanted[i]), average ? 1 : 0) << i;
      }
    }
  }
}

}  // namespace
}  // namespace backdrop
