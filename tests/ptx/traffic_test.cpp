// What the forms of the position convolution ask of a GPU's memories, in fp16 on full batches. The numbers of
// docs/cuda.md are those that this prints.
#include "tests/ptx/traffic.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tests/conformance/device_values.h"
#include "tests/cuda/host_halves.h"
#include "tests/ptx/runtime.h"

namespace backdrop {
namespace {

using kernels::ConvolutionShape;
using kernels::Products;
using ptx::Traffic;
using test::HostHalves;

constexpr int kManyRows = 128;
constexpr int kFewPositions = 4;

// Positions that use the whole window, as most do.
Traffic traffic_of(const ConvolutionShape& shape, bool with_residual, Products products) {
  std::mt19937 generator(5);
  const int window = shape.kernel * shape.kernel;
  test::RandomList list(kFewPositions, shape.channels, shape.out_channels, window, window, false,
                        with_residual, generator);
  for (kernels::Tap& tap : list.taps) tap.source = kernels::Source::mixed;
  const test::RandomValue<HostHalves> input(shape.channels, kManyRows, generator);
  const test::RandomValue<HostHalves> residual(shape.out_channels, kManyRows, generator);
  const test::DeviceList device_list(list);
  const test::DeviceValue<HostHalves> device_input(input), device_residual(residual);
  const std::int64_t row_size = std::int64_t{kFewPositions} * shape.out_channels;
  // Any weights will do, in any order.
  const DeviceBuffer weights = test::to_device(
                         std::vector<std::uint16_t>(std::size_t{256} * window * shape.channels)),
                     bias = test::to_device(std::vector<float>(shape.out_channels)),
                     output(row_size * kManyRows * sizeof(std::uint16_t));
  kernels::ConvolutionArguments arguments =
      test::arguments_of({shape, kFewPositions, kManyRows, false, with_residual});
  arguments.work = device_list.work;
  arguments.input = device_input.rows;
  arguments.residual = device_residual.rows;
  arguments.weights = weights.data();
  arguments.bias = bias.as<float>();
  arguments.output = {output.data(), row_size, nullptr, kernels::DotOutput::stored};
  arguments.products = products;
  ptx::TrafficCounter counter;
  ptx::count_traffic(&counter);
  check_cuda(kernels::position_convolution_cuda(Precision::fp16, arguments, nullptr), "convolution");
  check_cuda(cudaDeviceSynchronize(), "convolution");
  ptx::count_traffic(nullptr);
  return counter.total();
}

// Bytes copied to shared memory for a thousand multiply-adds.
double copied(const Traffic& traffic) {
  return 1e3 * static_cast<double>(traffic.copied_bytes) / static_cast<double>(traffic.multiply_adds);
}

void print(const ConvolutionShape& shape, Products products, const Traffic& t) {
  const double products_k = static_cast<double>(t.multiply_adds) / 1e3;
  std::cout << fmt::format("| {} to {}, {}x{} | {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n",
                           shape.channels, shape.out_channels, shape.kernel, shape.kernel, name(products),
                           static_cast<double>(t.instructions) / products_k, copied(t),
                           static_cast<double>(t.operand_bytes) / products_k,
                           static_cast<double>(t.wavefronts) / static_cast<double>(t.least_wavefronts),
                           static_cast<double>(t.sectors) / static_cast<double>(t.least_sectors));
}

class TrafficTest : public testing::Test {
 protected:
  void SetUp() override { ptx::use_device({}); }
};

TEST_F(TrafficTest, ClustersCopyLess) {
  std::cout
      << "| convolution | products | instructions | copied bytes | operand bytes | wavefronts of the least | "
         "sectors of the least |\n|---|---|---|---|---|---|---|\n";
  struct Case {
    ConvolutionShape shape;
    bool with_residual;
    double ratio;  // of clusters' copied bytes to those of small tiles
  };
  for (const Case& c : {Case{{0, 0, 64, 64, 3, 1, 1, 1, 0.0f}, false, 0.75},
                        Case{{0, 0, 128, 128, 3, 1, 1, 1, 0.0f}, false, 0.625},
                        Case{{0, 0, 192, 256, 1, 1, 0, 1, 0.0f}, true, 0.5}}) {
    double before = 0;
    for (const Products products : {Products::warps, Products::warpgroups, Products::clusters}) {
      const Traffic traffic = traffic_of(c.shape, c.with_residual, products);
      print(c.shape, products, traffic);
      EXPECT_LE(traffic.wavefronts, traffic.least_wavefronts * 21 / 20) << name(products);
      EXPECT_LE(traffic.sectors, traffic.least_sectors * 21 / 20) << name(products);
      if (products == Products::clusters) {
        EXPECT_NEAR(copied(traffic) / before, c.ratio, 0.01) << name(products);
      }
      before = copied(traffic);
    }
  }
}

TEST_F(TrafficTest, PixelsFallOnDifferentBanks) {
  const ConvolutionShape shape{0, 0, kPixelChannels, 64, 7, 1, 1, 1, 0.0f};
  for (const Products products : {Products::warps, Products::warpgroups}) {
    const Traffic traffic = traffic_of(shape, false, products);
    print(shape, products, traffic);
    EXPECT_LE(traffic.wavefronts, traffic.least_wavefronts * 2) << name(products);
  }
}

}  // namespace
}  // namespace backdrop
