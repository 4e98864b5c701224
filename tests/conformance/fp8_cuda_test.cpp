// The GPU's kernels in e4m3 alone: convolutions against the CPU's plain loops, pools to the bit.
#include <gtest/gtest.h>

#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"
#include "tests/conformance/device_values.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/random_fp8.h"

namespace backdrop {
namespace {

using kernels::DotOutput;
using test::from_device;
using test::HostFp8;
using test::to_device;

class CudaFp8Kernels : public testing::Test {
 protected:
  void SetUp() override {
    test::require_gpu();
    if (IsSkipped()) return;
    const CudaDevice device = open_cuda_device(0);
    if (!device.has_fp8())
      GTEST_SKIP() << device.name << " has compute capability " << device.major << "." << device.minor
                   << ", and e4m3 needs 8.9";
  }
};

void compare(const test::Fp8Case& c, std::mt19937& generator) {
  SCOPED_TRACE(testing::Message() << c.positions << " positions, " << c.rows << " rows, " << c.shape.channels
                                  << " to " << c.shape.out_channels << ", kind " << static_cast<int>(c.kind));
  const test::RandomFp8 random(c, generator);
  const test::DeviceList list(random.list);
  const test::DeviceValue<test::HostFp8Quarters> input(random.input);
  const test::DeviceValue<HostFp8> residual(random.residual);
  const DeviceBuffer scale = to_device(random.stored.scale), bias = to_device(random.bias),
                     starts = to_device(random.raw_starts), device_output = to_device(random.poison());
  kernels::ConvolutionArguments arguments = random.arguments();
  arguments.work = list.work;
  arguments.input = input.rows;
  arguments.residual = residual.rows;
  arguments.bias = bias.as<float>();
  arguments.starts = starts.data();
  arguments.scales.scale = scale.as<float>();
  arguments.output = {device_output.data(), random.row_size, nullptr, c.kind};
  test::for_all_products(Precision::fp8, arguments, random.stored.values, [&](const auto& convolution) {
    std::vector<std::uint8_t> output = random.poison();
    copy_to_device(device_output.data(), output.data(), output.size(), "poison");
    check_cuda(kernels::position_convolution_cuda(Precision::fp8, convolution, nullptr), "convolution");
    from_device(device_output, output);
    random.expect_output(output);
  });
}

TEST_F(CudaFp8Kernels, SmallConvolutions) {
  std::mt19937 generator(83);
  for (const int rows : {1, 5, 128}) {
    for (const DotOutput kind : {DotOutput::stored, DotOutput::real, DotOutput::sums}) {
      test::Fp8Case c;
      c.shape = {0, 0, 32, 72, 3, 1, 1, 1, 0.0f};
      c.positions = rows == 1 ? 40 : 3;
      c.rows = rows;
      c.with_start = c.with_residual = true;
      c.kind = kind;
      compare(c, generator);
    }
  }
}

TEST_F(CudaFp8Kernels, RandomConvolutions) {
  std::mt19937 generator(84);
  for (int trial = 0; trial < test::trials(40); ++trial) {
    compare(test::random_fp8_case(generator), generator);
    if (HasFatalFailure()) return;
  }
}

TEST_F(CudaFp8Kernels, SmallClusters) {
  std::mt19937 generator(86);
  test::Fp8Case c;
  c.with_start = c.with_residual = true;
  c.shape = {0, 0, 128, 264, 3, 1, 1, 1, 0.0f};
  c.positions = 3;
  c.rows = 128;
  compare(c, generator);
  c.shape = {0, 0, 768, 72, 1, 1, 0, 1, 0.01f};
  c.positions = 70;
  c.rows = 5;
  compare(c, generator);
}

TEST_F(CudaFp8Kernels, SmallPools) {
  std::mt19937 generator(85);
  constexpr int kChannels = 24, kRows = 13, kPositions = 7;
  constexpr std::int64_t kRowSize = kPositions * kChannels;
  const test::RandomList list(kPositions, kChannels, kChannels, 9, 1, false, false, generator);
  const test::RandomValue<HostFp8> input(kChannels, kRows, generator);
  const test::DeviceList device_list(list);
  const test::DeviceValue<HostFp8> device_input(input);
  for (const bool average : {false, true}) {
    for (const bool to_bfloat16 : {false, true}) {
      const std::size_t bytes = kRowSize * kRows * (to_bfloat16 ? 2 : 1);
      std::vector<std::uint8_t> expected(bytes, 0x7f), output(bytes, 0xff);  // poison
      const DeviceBuffer device_output = to_device(output);
      kernels::PoolArguments arguments{list.device(), kRows, kChannels, average, input.rows(), {},
                                       false,         {},    {}};
      arguments.input_scale = kernels::device_scale({test::kFp8InputScale, 0.0f});
      arguments.output_scale = kernels::device_scale({0.015f, 0.0f});
      arguments.output = {expected.data(), kRowSize, nullptr, DotOutput::stored};
      arguments.to_bfloat16 = to_bfloat16;
      for (std::int64_t piece = 0; piece < kernels::pool_pieces(arguments); ++piece)
        kernels::pool_fp8_piece<test::HostBfloat16>(
            arguments, piece);  // which test_cuda_parts compares with plain loops
      arguments.work = device_list.work;
      arguments.input = device_input.rows;
      arguments.output.base = device_output.data();
      check_cuda(kernels::position_pool_cuda(Precision::fp8, arguments, nullptr), "pool");
      from_device(device_output, output);
      EXPECT_EQ(output, expected) << (average ? "average" : "largest") << ", to bfloat16 " << to_bfloat16;
    }
  }
}

}  // namespace
}  // namespace backdrop
