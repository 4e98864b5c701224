// The GPU's position convolution, emulated thread by thread, against the plain loops.
#include <gtest/gtest.h>

#include <memory>

#include "tests/cuda/emulated_tile.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/random_device_work.h"

namespace backdrop {
namespace {

using kernels::ConvolutionShape;
using test::DeviceCase;

// Weights as the device takes them and as the checkpoint has them.
template <class Traits>
struct Weights {
  std::vector<typename Traits::Element> device;
  std::vector<float> host;
  std::vector<float> bias;

  Weights(const ConvolutionShape& shape, std::mt19937& generator)
      : bias(test::random_values(shape.out_channels, generator)) {
    const int window = shape.kernel * shape.kernel;
    const int channels = shape.channels / shape.groups;
    host = test::random_values(std::size_t(shape.out_channels) * channels * window, generator);
    device.resize(host.size());
    for (int k = 0; k < shape.out_channels; ++k)
      for (int c = 0; c < channels; ++c)
        for (int tap = 0; tap < window; ++tap) {
          float& weight = host[(std::size_t(k) * channels + c) * window + tap];
          const auto element = Traits::from_float(weight);
          weight = Traits::to_float(element);
          device[(std::size_t(k) * window + tap) * channels + c] = element;
        }
  }
};

template <class Traits, class Math, template <class, int, class> class Loader = kernels::tile::Loader>
void compare(const DeviceCase& c, std::mt19937& generator, float tolerance) {
  using Element = typename Traits::Element;
  const ConvolutionShape& shape = c.shape;
  const test::RandomList list(c.positions, shape.channels, shape.out_channels, c.window(),
                              c.with_start ? 0 : 1, c.with_start, c.with_residual, generator);
  const test::RandomValue<Traits> input(shape.channels, c.rows, generator);
  const test::RandomValue<Traits> residual(shape.out_channels, c.rows, generator);
  const Weights<Traits> weights(shape, generator);
  const int start_stride = (shape.out_channels + 15) / 16 * 16;
  const auto starts = test::random_values(std::size_t(4) * start_stride, generator);
  const std::int64_t row_size = std::int64_t{c.positions} * shape.out_channels;

  // Rows are written to blocks in another order.
  std::vector<std::int32_t> blocks(c.rows);
  std::iota(blocks.rbegin(), blocks.rend(), 0);
  std::vector<Element> output(row_size * c.rows, Traits::from_float(1e30f));
  kernels::ConvolutionArguments arguments = test::arguments_of(c);
  arguments.work = list.device();
  arguments.input = input.rows();
  arguments.residual = residual.rows();
  arguments.weights = weights.device.data();
  arguments.bias = weights.bias.data();
  arguments.starts = starts.data();
  arguments.start_stride = start_stride;
  arguments.output = {output.data(), row_size, blocks.data(), kernels::DotOutput::stored};
  test::emulate<Math, Loader>(arguments);

  std::vector<float> actual;
  for (const std::int32_t block : blocks)
    for (std::int64_t i = 0; i < row_size; ++i)
      actual.push_back(Traits::to_float(output[block * row_size + i]));
  const std::vector<float> expected =
      test::plain_convolution(shape, weights.host, weights.bias, list.host(), c.rows, input, residual, starts,
                              start_stride, shape.slope);
  test::expect_close(actual, expected, tolerance);
}

template <class Traits, class Math>
void compare_random_cases(int trials, float tolerance) {
  std::mt19937 generator(31);
  for (int trial = 0; trial < trials; ++trial) {
    const DeviceCase c =
        test::random_device_case(16 / sizeof(typename Traits::Element), 9, 1.0f, 90, generator);
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << c.positions << " positions, " << c.rows
                                    << " rows, " << c.shape.channels << " to " << c.shape.out_channels);
    compare<Traits, Math>(c, generator, tolerance);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CudaTile, ScalarProductsEqualThePlainLoops) {
  compare_random_cases<test::HostFloats, test::EmulatedScalarMath<test::HostFloats>>(24, 2e-5f);
}

TEST(CudaTile, FourByteFragmentsEqualThePlainLoops) {
  compare_random_cases<test::HostFloats, test::EmulatedMatrixMath<test::FloatOperands<test::HostFloats>, 64>>(
      4, 2e-5f);
  compare_random_cases<test::HostFloats,
                       test::EmulatedMatrixMath<test::FloatOperands<test::HostFloats>, 128>>(4, 2e-5f);
}

TEST(CudaTile, TwoByteFragmentsEqualThePlainLoops) {
  compare_random_cases<test::HostBfloat16,
                       test::EmulatedMatrixMath<test::FloatOperands<test::HostBfloat16>, 64>>(4, 5e-3f);
  compare_random_cases<test::HostBfloat16,
                       test::EmulatedMatrixMath<test::FloatOperands<test::HostBfloat16>, 128>>(4, 5e-3f);
}

TEST(CudaTile, WarpgroupsEqualThePlainLoops) {
  compare_random_cases<test::HostBfloat16,
                       test::EmulatedWarpgroupMath<test::FloatOperands<test::HostBfloat16>, 64>>(6, 5e-3f);
  compare_random_cases<test::HostBfloat16,
                       test::EmulatedWarpgroupMath<test::FloatOperands<test::HostBfloat16>, 128>>(6, 5e-3f);
}

template <class Traits, class Math>
void compare_pixels(int trials, float tolerance) {
  std::mt19937 generator(33);
  for (int trial = 0; trial < trials; ++trial) {
    const DeviceCase c = test::random_pixel_case(1.0f, 40, generator);
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": window " << c.shape.kernel << ", "
                                    << c.positions << " positions, " << c.rows << " rows, to "
                                    << c.shape.out_channels);
    compare<Traits, Math, kernels::tile::PixelLoader>(c, generator, tolerance);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(CudaTile, PixelsEqualThePlainLoops) {
  using Operands = test::FloatOperands<test::HostBfloat16>;
  compare_pixels<test::HostBfloat16, test::EmulatedMatrixMath<Operands, 64>>(12, 5e-3f);
  compare_pixels<test::HostBfloat16, test::EmulatedWarpgroupMath<Operands, 64>>(12, 5e-3f);
}

TEST(CudaTile, CopiesToSwizzledRowsAreOnDifferentBanks) {
  using Rows = kernels::tile::Rows128;
  // Eight threads copy the chunks of one row, or one chunk of eight rows is read.
  for (int first = 0; first < 64; first += 8) {
    unsigned row = 0;
    unsigned column = 0;
    for (int i = 0; i < 8; ++i) {
      row |= 1u << Rows::offset(first, i) / 16 % 8;
      column |= 1u << Rows::offset(first + i, 5) / 16 % 8;
    }
    EXPECT_EQ(row, 0xffu);
    EXPECT_EQ(column, 0xffu);
  }
}

TEST(CudaTile, WindowsOfElevenByEleven) {
  std::mt19937 generator(32);
  DeviceCase c;
  c.shape.kernel = 11;
  c.shape.channels = 4;
  c.shape.out_channels = 64;
  c.positions = 5;
  c.rows = 7;
  compare<test::HostFloats, test::EmulatedScalarMath<test::HostFloats>>(c, generator, 2e-5f);
}

TEST(CudaTile, SharedMemoryAddressesAreAlignedAndOnDifferentBanks) {
  using Share = kernels::tile::WarpShare<128>;
  for (int block = 0; block < 4; ++block) {
    unsigned banks = 0;
    for (int lane = 8 * block; lane < 8 * block + 8; ++lane) {
      for (const int offset : {Share::left_offset(16, 1, lane), Share::right_offset(16, 1, lane)})
        EXPECT_EQ(offset % 16, 0);
      for (int word = 0; word < 4; ++word) banks |= 1u << ((Share::left_offset(16, 1, lane) / 4 + word) % 32);
    }
    EXPECT_EQ(banks, 0xffffffffu);
  }
}

}  // namespace
}  // namespace backdrop
