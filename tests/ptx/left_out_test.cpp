// That the checks see what a GPU would not forgive: the convolution's kernel without one of its barriers,
// waits or fences is found out, by a fault or by what it computes.
#include <gtest/gtest.h>

#include "kernels/cluster_weights.h"
#include "kernels/position_convolution_cuda.h"
#include "tests/conformance/device_values.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/host_halves.h"
#include "tests/ptx/runtime.h"

namespace backdrop {
namespace {

using kernels::ConvolutionShape;
using kernels::Products;
using test::HostFloats;
using test::HostHalves;

struct Kernel {
  Products products = Products::warps;
  bool pixels = false;
  Precision precision = Precision::fp16;
};
constexpr Kernel kAll[] = {{Products::warps, false},
                           {Products::warps, true},
                           {Products::warpgroups, false},
                           {Products::warpgroups, true},
                           {Products::split_warpgroups, false, Precision::fp32},
                           {Products::clusters, false}};
constexpr std::span<const Kernel> kWarpgroups = std::span(kAll).subspan(2);

// Runs one convolution that has several stages, and returns what it stored.
template <class Traits>
std::vector<std::byte> convolve(const Kernel& kernel) {
  std::mt19937 generator(5);
  ConvolutionShape shape{0, 0, 128, 72, 3, 1, 1, 1, 0.0f};
  // The last stage of four must lie where the sums come to lie.
  if (kernel.precision == Precision::fp32) shape.channels = 160;
  if (kernel.pixels) shape.channels = kPixelChannels, shape.kernel = 11;
  const int positions = 3, rows = 50, window = shape.kernel * shape.kernel;
  const test::RandomList list(positions, shape.channels, shape.out_channels, window, 1, false, false,
                              generator);
  const test::RandomValue<Traits> input(shape.channels, rows, generator);
  std::vector<typename Traits::Element> weights;
  for (const float weight : test::random_values(std::size_t{72} * window * shape.channels, generator))
    weights.push_back(Traits::from_float(weight));
  const auto bias = test::random_values(shape.out_channels, generator);
  const std::int64_t row_size = std::int64_t{positions} * shape.out_channels;
  const test::DeviceList device_list(list);
  const test::DeviceValue<Traits> device_input(input);
  std::vector<std::byte> packed(std::as_bytes(std::span(weights)).begin(),
                                std::as_bytes(std::span(weights)).end());
  if (kernel.products == Products::clusters)
    packed = kernels::pack_for_clusters(packed, 1, shape.out_channels, 9, 2 * shape.channels);
  const DeviceBuffer device_weights = test::to_device(packed), device_bias = test::to_device(bias),
                     output(row_size * rows * sizeof(typename Traits::Element));
  kernels::ConvolutionArguments arguments = test::arguments_of({shape, positions, rows, false, false});
  arguments.work = device_list.work;
  arguments.input = device_input.rows;
  arguments.weights = device_weights.data();
  arguments.bias = device_bias.as<float>();
  arguments.output = {output.data(), row_size, nullptr, kernels::DotOutput::stored};
  arguments.products = kernel.products;
  std::vector<std::byte> stored(output.size());
  try {
    check_cuda(kernels::position_convolution_cuda(kernel.precision, arguments, nullptr), "convolution");
    test::from_device(output, stored);
  } catch (const Error&) {
    stored.clear();
  }
  return stored;
}

std::vector<std::byte> convolve(const Kernel& kernel) {
  return kernel.precision == Precision::fp32 ? convolve<HostFloats>(kernel) : convolve<HostHalves>(kernel);
}

// Some of it matters only where one block is late.
constexpr std::uint32_t kOrders = 8;

void expect_found_out(const std::string& name, const Kernel& kernel) {
  SCOPED_TRACE(testing::Message() << "products " << static_cast<int>(kernel.products)
                                  << (kernel.pixels ? " of pixels" : ""));
  ptx::use_device({});
  const std::vector<std::byte> expected = convolve(kernel);
  ASSERT_FALSE(expected.empty());
  const int count = ptx::count_in_last_kernel(name);
  EXPECT_GT(count, 0) << name;
  for (int i = 0; i < count; ++i) {
    bool found_out = false;
    for (std::uint32_t seed = 1; seed <= kOrders && !found_out; ++seed) {
      ptx::use_device({.seed = seed, .without = name, .occurrence = i});
      const std::vector<std::byte> stored = convolve(kernel);
      found_out = !ptx::take_faults().empty() || stored != expected;
    }
    EXPECT_TRUE(found_out) << name << ", number " << i;
  }
  ptx::use_device({});
}

TEST(LeftOut, Barriers) {
  for (const Kernel& kernel : kAll) expect_found_out("bar.sync", kernel);
}

TEST(LeftOut, WaitsForCopies) {
  for (const Kernel& kernel : kAll) expect_found_out("cp.async.wait_group", kernel);
}

TEST(LeftOut, GroupsOfCopies) {
  for (const Kernel& kernel : kAll) expect_found_out("cp.async.commit_group", kernel);
}

TEST(LeftOut, FencesBeforeTensorCores) {
  for (const Kernel& kernel : kWarpgroups) expect_found_out("fence.proxy.async", kernel);
}

TEST(LeftOut, FencesBeforeProducts) {
  for (const Kernel& kernel : kWarpgroups) expect_found_out("wgmma.fence", kernel);
}

TEST(LeftOut, WaitsForProducts) {
  for (const Kernel& kernel : kWarpgroups) {
    expect_found_out("wgmma.commit_group", kernel);
    expect_found_out("wgmma.wait_group", kernel);
  }
}

TEST(LeftOut, WhatBlocksOfAClusterTellEachOther) {
  for (const char* name : {"mbarrier.init", "fence.mbarrier_init", "barrier.cluster.arrive",
                           "barrier.cluster.wait", "mbarrier.arrive", "mbarrier.try_wait"})
    expect_found_out(name, {Products::clusters, false});
}

}  // namespace
}  // namespace backdrop
