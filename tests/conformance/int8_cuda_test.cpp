// The GPU's 8-bit kernels alone against the CPU's plain loops: the integers must be the same, and so the
// bits.
#include <gtest/gtest.h>

#include "kernels/composite_cuda.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"
#include "tests/conformance/device_int8.h"
#include "tests/cuda/host_elements.h"

namespace backdrop {
namespace {

using kernels::DotOutput;
using test::from_device;
using test::HostBytes;
using test::random_int;
using test::to_device;

class CudaInt8Kernels : public testing::Test {
 protected:
  void SetUp() override { test::require_gpu(); }
};

template <class Element>
void compare(const test::Int8Case& c, std::mt19937& generator) {
  const test::RandomInt8 random(c, generator);
  const test::DeviceInt8 device(random);
  const DeviceBuffer device_output(random.row_size * c.rows * sizeof(Element));
  kernels::ConvolutionArguments arguments = device.arguments(random);
  arguments.output = {device_output.data(), random.row_size, nullptr, c.kind};
  test::for_all_products(
      Precision::int8, arguments, device.weights.stored.values, [&](const auto& convolution) {
        std::vector<Element> output(random.row_size * c.rows, Element{78});  // poison
        copy_to_device(device_output.data(), output.data(), output.size() * sizeof(Element), "poison");
        check_cuda(kernels::position_convolution_cuda(Precision::int8, convolution, nullptr), "convolution");
        from_device(device_output, output);
        ASSERT_EQ(output, random.expected<Element>());
      });
}

void compare_kind(const test::Int8Case& c, std::mt19937& generator) {
  SCOPED_TRACE(testing::Message() << c.positions << " positions, " << c.rows << " rows, " << c.shape.channels
                                  << " to " << c.shape.out_channels << ", kind " << static_cast<int>(c.kind));
  if (c.kind == DotOutput::stored) compare<std::uint8_t>(c, generator);
  if (c.kind == DotOutput::real) compare<float>(c, generator);
  if (c.kind == DotOutput::sums) compare<std::int32_t>(c, generator);
}

TEST_F(CudaInt8Kernels, SmallConvolutions) {
  std::mt19937 generator(71);
  for (const int rows : {1, 5, 128}) {
    test::Int8Case c;
    c.shape = {0, 0, 32, 72, 3, 1, 1, 1, 0.0f};
    c.positions = rows == 1 ? 40 : 3;
    c.rows = rows;
    c.with_start = c.with_residual = c.with_zeros = true;
    compare_kind(c, generator);
  }
}

TEST_F(CudaInt8Kernels, SmallConvolutionsOfPixels) {
  std::mt19937 generator(75);
  for (const int rows : {1, 50, 128}) {
    test::Int8Case c;
    c.shape = {0, 0, kPixelChannels, 72, 7, 1, 1, 1, 0.0f};
    c.positions = rows == 1 ? 40 : 3;
    c.rows = rows;
    c.with_start = c.with_zeros = true;
    compare_kind(c, generator);
  }
}

TEST_F(CudaInt8Kernels, RandomConvolutions) {
  std::mt19937 generator(72);
  for (int trial = 0; trial < test::trials(40); ++trial) {
    compare_kind(test::random_int8_case(trial % 3 == 2, generator), generator);
    if (HasFatalFailure()) return;
  }
}

TEST_F(CudaInt8Kernels, SmallClusters) {
  std::mt19937 generator(75);
  test::Int8Case c;
  c.with_start = c.with_residual = c.with_zeros = true;
  c.shape = {0, 0, 128, 264, 3, 1, 1, 1, 0.0f};
  c.positions = 3;
  c.rows = 128;
  compare_kind(c, generator);
  c.shape = {0, 0, 768, 72, 1, 1, 0, 1, 0.01f};
  c.positions = 70;
  c.rows = 5;
  compare_kind(c, generator);
}

// Of elements that the device may round otherwise where it contracts a product and a sum: to neighbours.
template <class Element>
void compare_pools(bool average, bool to_bfloat16) {
  std::mt19937 generator(73);
  constexpr int kChannels = 24, kRows = 13, kPositions = 7;
  constexpr std::int64_t kRowSize = kPositions * kChannels;
  const test::RandomList list(kPositions, kChannels, kChannels, 9, 1, false, false, generator);
  const test::RandomValue<HostBytes> input(kChannels, kRows, generator);
  const test::DeviceList device_list(list);
  const test::DeviceValue<HostBytes> device_input(input);
  std::vector<Element> expected(kRowSize * kRows, 77), output(kRowSize * kRows, 78);
  const DeviceBuffer device_output = to_device(output);
  kernels::PoolArguments arguments{list.device(), kRows, kChannels, average, input.rows(), {},
                                   to_bfloat16,   {},    {}};
  arguments.input_scale = kernels::device_scale({0.02f, 17.0f});
  arguments.output_scale = kernels::device_scale({0.015f, 9.0f});
  arguments.output = {expected.data(), kRowSize, nullptr, DotOutput::stored};
  for (std::int64_t piece = 0; piece < kernels::pool_pieces(arguments); ++piece)
    kernels::pool_int8_piece<test::HostBfloat16>(arguments, piece);  // test_cuda_parts looks at this
  arguments.work = device_list.work;
  arguments.input = device_input.rows;
  arguments.output.base = device_output.data();
  check_cuda(kernels::position_pool_cuda(Precision::int8, arguments, nullptr), "pool");
  from_device(device_output, output);
  for (std::size_t i = 0; i < output.size(); ++i)
    ASSERT_LE(std::abs(output[i] - expected[i]), average ? 1 : 0) << i;
}

TEST_F(CudaInt8Kernels, SmallPools) {
  for (const bool average : {false, true}) {
    SCOPED_TRACE(average ? "average" : "largest");
    compare_pools<std::uint8_t>(average, false);
    compare_pools<std::uint16_t>(average, true);
  }
}

TEST_F(CudaInt8Kernels, SmallComposites) {
  std::mt19937 generator(74);
  constexpr int kPixels = 100;
  std::vector<std::uint8_t> photos(2 * kPixels * 3);
  for (auto& value : photos) value = static_cast<std::uint8_t>(random_int(0, 255, generator));
  const std::vector<std::uint32_t> masks{0x12345678u, 0xffffffffu, 0u, 5u};
  const std::vector<kernels::CompositePair> pairs{{0, 1}, {-1, 0}};
  kernels::CompositeArguments arguments;
  arguments.foregrounds = arguments.backgrounds = photos.data();
  arguments.masks = masks.data();
  arguments.pairs = pairs.data();
  arguments.composites = 2;
  arguments.photo_pixels = arguments.pixels = kPixels;
  arguments.mask_words = 4;
  std::vector<std::uint32_t> expected;
  for (int n = 0; n < 2; ++n)
    for (int p = 0; p < kPixels; ++p) expected.push_back(kernels::composite_word(arguments, n, p));
  std::vector<std::uint32_t> output(expected.size(), 0xffffffffu);
  const DeviceBuffer device_photos = to_device(photos), device_masks = to_device(masks),
                     device_pairs = to_device(pairs), device_output = to_device(output);
  arguments.foregrounds = arguments.backgrounds = device_photos.as<std::uint8_t>();
  arguments.masks = device_masks.as<std::uint32_t>();
  arguments.pairs = device_pairs.as<kernels::CompositePair>();
  arguments.output = device_output.data();
  check_cuda(kernels::composite_cuda(Precision::int8, arguments, nullptr), "composite");
  from_device(device_output, output);
  EXPECT_EQ(output, expected);
}

}  // namespace
}  // namespace backdrop
