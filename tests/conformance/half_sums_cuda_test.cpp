// Kernels between bytes and the fp16 of what blocks add up (engine/stored_values.h).
#include <gtest/gtest.h>

#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"
#include "tests/conformance/device_int8.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/host_halves.h"

namespace backdrop {
namespace {

using kernels::DotOutput;
using kernels::StoredAs;
using test::from_device;
using test::HostHalves;
using test::to_device;

class CudaHalfSums : public testing::Test {
 protected:
  void SetUp() override { test::require_gpu(); }
};

std::vector<float> floats_of(const std::vector<__half>& halves) {
  std::vector<float> floats;
  for (const __half half : halves) floats.push_back(__half2float(half));
  return floats;
}

// What a convolution of bytes without residual and activation would give, and then those.
std::vector<__half> add_residuals(const test::RandomInt8& random,
                                  const test::RandomValue<HostHalves>& residual, float slope,
                                  std::vector<float> sums) {
  std::vector<__half> halves(sums.size());
  for (std::size_t p = 0; p < random.list.output.size(); ++p)
    for (int r = 0; r < random.c.rows; ++r) {
      const __half* added = kernels::row_address<__half>(residual.rows(), random.list.residual[p], r);
      for (int k = 0; k < random.c.shape.out_channels; ++k) {
        const std::size_t place = r * random.row_size + random.list.output[p] + k;
        const float value = sums[place] + __half2float(added[k]);
        halves[place] = __float2half_rn(value > 0 ? value : value * slope);
      }
    }
  return halves;
}

TEST_F(CudaHalfSums, SmallConvolutionsOfBytes) {
  std::mt19937 generator(81);
  for (const int rows : {1, 5, 128}) {
    test::Int8Case c;
    c.shape = {0, 0, rows == 5 ? 128 : 32, 72, 3, 1, 1, 1, 1.0f};
    c.positions = rows == 1 ? 40 : 3;
    c.rows = rows;
    c.with_start = c.with_residual = c.with_zeros = true;
    c.kind = DotOutput::real;
    test::RandomInt8 random(c, generator);
    const test::RandomValue<HostHalves> residual(c.shape.out_channels, rows, generator);
    const float slope = rows == 1 ? 0.01f : 0.0f;
    const std::vector<kernels::Tap> residual_taps = std::exchange(random.list.residual, {});
    std::vector<float> sums = random.expected<float>();
    random.list.residual = residual_taps;
    const std::vector<__half> expected = add_residuals(random, residual, slope, std::move(sums));

    const test::DeviceInt8 device(random);
    const test::DeviceValue<HostHalves> device_residual(residual);
    const DeviceBuffer device_output(expected.size() * sizeof(__half));
    kernels::ConvolutionArguments arguments = device.arguments(random);
    arguments.residual = device_residual.rows;
    arguments.slope = slope;
    arguments.scales.stored = StoredAs::halves;
    arguments.output = {device_output.data(), random.row_size, nullptr, DotOutput::stored};
    test::for_all_products(
        Precision::int8, arguments, device.weights.stored.values, [&](const auto& convolution) {
          std::vector<__half> output(expected.size(), __float2half_rn(6e4f));  // poison
          copy_to_device(device_output.data(), output.data(), device_output.size(), "poison");
          check_cuda(kernels::position_convolution_cuda(Precision::int8, convolution, nullptr),
                     "convolution");
          from_device(device_output, output);
          ASSERT_EQ(floats_of(output), floats_of(expected));
        });
  }
}

TEST_F(CudaHalfSums, SmallConvolutionsIntoBytes) {
  std::mt19937 generator(82);
  for (const int rows : {1, 5, 128}) {
    const kernels::ConvolutionShape shape{0, 0, rows == 5 ? 64 : 16,     72, 1, 1,
                                          0, 1, rows == 1 ? 0.01f : 0.0f};
    const int positions = rows == 1 ? 40 : 3;
    const kernels::ValueScale scale{0.01f, rows == 1 ? 90.0f : 0.0f};
    const test::RandomList list(positions, shape.channels, shape.out_channels, 1, 1, false, false, generator);
    const test::RandomValue<HostHalves> input(shape.channels, rows, generator);
    const auto bias = test::random_values(shape.out_channels, generator);
    std::vector<float> weights;
    std::vector<__half> packed;
    for (const float weight :
         test::random_values(std::size_t(shape.out_channels) * shape.channels, generator)) {
      packed.push_back(__float2half_rn(weight));
      weights.push_back(__half2float(packed.back()));
    }
    const std::int64_t row_size = std::int64_t{positions} * shape.out_channels;
    const std::vector<float> expected =
        test::plain_convolution(shape, weights, bias, list.host(), rows, input, input, {}, 0, shape.slope);

    const test::DeviceList device_list(list);
    const test::DeviceValue<HostHalves> device_input(input);
    const DeviceBuffer device_bias = to_device(bias), device_output(row_size * rows);
    kernels::ConvolutionArguments arguments = test::arguments_of({shape, positions, rows, false, false});
    arguments.work = device_list.work;
    arguments.input = device_input.rows;
    arguments.bias = device_bias.as<float>();
    arguments.scales.stored = StoredAs::bytes;
    arguments.scales.output = kernels::device_scale(scale);
    arguments.output = {device_output.data(), row_size, nullptr, DotOutput::stored};
    test::for_all_products(Precision::fp16, arguments, packed, [&](const auto& convolution) {
      std::vector<std::uint8_t> output(row_size * rows, 78);  // poison
      copy_to_device(device_output.data(), output.data(), output.size(), "poison");
      check_cuda(kernels::position_convolution_cuda(Precision::fp16, convolution, nullptr), "convolution");
      from_device(device_output, output);
      // The sums' order may move a value across the middle between two bytes.
      for (std::size_t i = 0; i < output.size(); ++i)
        ASSERT_LE(std::abs(output[i] - kernels::to_uint8(expected[i], scale)), 1) << i;
    });
    arguments.weights = device_bias.data();
    arguments.work.residual = device_list.work.taps;
    EXPECT_NE(kernels::position_convolution_cuda(Precision::fp16, arguments, nullptr), cudaSuccess);
  }
}

// Whose results the fully connected layers read.
TEST_F(CudaHalfSums, SmallAveragesAreBfloat16) {
  std::mt19937 generator(83);
  constexpr int kChannels = 24, kRows = 13, kPositions = 7;
  constexpr std::int64_t kRowSize = kPositions * kChannels;
  const test::RandomList list(kPositions, kChannels, kChannels, 9, 1, false, false, generator);
  const test::RandomValue<HostHalves> input(kChannels, kRows, generator);
  std::vector<std::uint16_t> expected(kRowSize * kRows, 77), output(kRowSize * kRows, 78);
  const DeviceBuffer device_output = to_device(output);
  kernels::PoolArguments arguments{list.device(), kRows, kChannels, true, input.rows(), {}, true, {}, {}};
  arguments.output = {expected.data(), kRowSize, nullptr, DotOutput::stored};
  for (std::int64_t piece = 0; piece < kernels::pool_pieces(arguments); ++piece)
    kernels::pool_piece<HostHalves, test::HostBfloat16>(arguments, piece);
  const test::DeviceList device_list(list);
  const test::DeviceValue<HostHalves> device_input(input);
  arguments.work = device_list.work;
  arguments.input = device_input.rows;
  arguments.output.base = device_output.data();
  check_cuda(kernels::position_pool_cuda(Precision::fp16, arguments, nullptr), "pool");
  from_device(device_output, output);
  EXPECT_EQ(output, expected);
}

}  // namespace
}  // namespace backdrop
