// What cuDNN would do on GPUs that are not here: it plans for a device by its properties alone.
#include <gmock/gmock.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/layer_shapes.h"
#include "engine/padded_network.h"
#include "kernels/cudnn_cuda.h"
#include "models/build.h"
#include "tests/models/synthetic.h"

namespace backdrop {
namespace {

using kernels::ConvolutionShape;
using kernels::CudnnFusion;
using kernels::CudnnWays;

constexpr int kBatch = 256;

struct Device {
  const char* name;
  int version;
  int multiprocessors;
  int shared_memory;
  int l2_cache;
};

constexpr Device kHopper{"NVIDIA H100 80GB HBM3", 900, 132, 232448, 50 << 20};
constexpr Device kAda{"NVIDIA GeForce RTX 4090", 890, 128, 101376, 72 << 20};
constexpr Device kAmpere{"NVIDIA A100-SXM4-80GB", 800, 108, 166912, 40 << 20};

std::string properties(const Device& device) {
  return R"({"deviceName": ")" + std::string(device.name) + R"(", "deviceVer": )" +
         std::to_string(device.version) + R"(, "multiProcessorCount": )" +
         std::to_string(device.multiprocessors) + R"(, "maxSharedMemoryPerBlockOptin": )" +
         std::to_string(device.shared_memory) + R"(, "l2CacheSize": )" + std::to_string(device.l2_cache) +
         R"(,
    "cudaDeviceId": 0, "driverVer": 13000, "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1,
    "totalGlobalMem": 80000000000, "smClockRateKHz": 1755000, "memClockRateKHz": 2619000, "warpSize": 32,
    "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
    "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 1536, "maxCtasPerSM": 24, "regsPerBlock": 65536,
    "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152, "reservedSharedMemoryPerBlock": 1024})";
}

// Aligned addresses that nothing reads.
kernels::CudnnBuffers some_buffers() {
  alignas(16) static std::array<std::array<std::byte, 16>, 6> places;
  return {places[0].data(), places[1].data(), places[2].data(),       places[3].data(),
          places[4].data(), places[5].data(), std::int64_t{512} << 20};
}

class CudnnPlans : public ::testing::Test {
 protected:
  // False, and the test is skipped, where there is no cuDNN that could be asked.
  bool open(const Device& device) {
    std::string reason;
    cudnn = kernels::Cudnn::open_for(properties(device), reason);
    return cudnn != nullptr || (skip(reason), false);
  }
  static void skip(const std::string& reason) { GTEST_SKIP() << reason; }

  std::shared_ptr<kernels::Cudnn> cudnn;
};

// Each different convolution of a network as the dense path would give it to cuDNN. Two ways always work;
// what is more was made for such devices.
void expect_ways(const std::shared_ptr<kernels::Cudnn>& cudnn, const Network& padded, Precision precision,
                 int least) {
  std::set<std::tuple<int, int, int, int, int, int, bool>> seen;
  for (const Layer& layer : padded.layers) {
    if (layer.kind != LayerKind::convolution) continue;
    const ConvolutionShape shape = convolution_shape(layer);
    const bool residual = layer.residual >= 0;
    if (!seen.insert({shape.height, shape.channels, shape.out_channels, shape.kernel, shape.stride,
                      shape.groups, residual})
             .second)
      continue;
    SCOPED_TRACE(testing::Message() << layer.name << " in " << name(precision));
    const CudnnWays ways(cudnn, {shape, kBatch, precision, residual});
    int taken = 0;  // some need more workspace
    for (int way = 0; way < ways.count(); ++way) {
      const auto convolution = ways.take(way, some_buffers());
      if (!convolution) continue;
      EXPECT_EQ(convolution->way(), way);
      ++taken;
    }
    EXPECT_GE(taken, least);
  }
}

TEST_F(CudnnPlans, TakeEveryConvolutionOfAResNet) {
  for (const Device& device : {kHopper, kAda, kAmpere}) {
    if (!open(device)) return;
    SCOPED_TRACE(device.name);
    const Network network = pad_for_device(
        build_network(synthetic_resnet({.blocks = {3, 4, 6, 3}, .bottleneck = true, .width = 64}),
                      {.arch = "resnet50"}, "file", nullptr));
    for (const Precision precision : {Precision::fp16, Precision::bf16, Precision::tf32})
      expect_ways(cudnn, network, precision, 3);
    expect_ways(cudnn, network, Precision::fp32, 1);
  }
}

TEST_F(CudnnPlans, TakeEveryConvolutionOfAVgg) {
  if (!open(kHopper)) return;
  const Network network = pad_for_device(
      build_network(synthetic_vgg({.width = 64, .hidden = 8}), {.arch = "vgg11"}, "file", nullptr));
  expect_ways(cudnn, network, Precision::fp16, 4);
  expect_ways(cudnn, network, Precision::fp32, 1);
}

constexpr ConvolutionShape kShape{14, 14, 256, 256, 3, 1, 1, 1, 0.0f};

// Products of fp32 must not become TensorFloat-32's, which is most of what there is.
TEST_F(CudnnPlans, HaveFewerWaysInWholePrecision) {
  if (!open(kHopper)) return;
  EXPECT_LT(CudnnWays(cudnn, {kShape, kBatch, Precision::fp32, false}).count(),
            CudnnWays(cudnn, {kShape, kBatch, Precision::tf32, false}).count());
}

TEST_F(CudnnPlans, HaveNoWayForWhatThereIsNoKernelFor) {
  if (!open(kHopper)) return;
  ConvolutionShape leaky = kShape;
  leaky.slope = 0.01f;
  EXPECT_EQ(CudnnWays(cudnn, {leaky, kBatch, Precision::fp16, true}).count(), 0);
  ConvolutionShape impossible = kShape;
  impossible.channels = 0;
  EXPECT_EQ(CudnnWays(cudnn, {impossible, kBatch, Precision::fp16, false}).count(), 0);
}

TEST_F(CudnnPlans, AreNotTakenForOthers) {
  if (!open(kHopper)) return;
  const CudnnWays ways(cudnn, {kShape, kBatch, Precision::fp16, false});
  EXPECT_EQ(ways.take(-1, some_buffers()), nullptr);
  EXPECT_EQ(ways.take(ways.count(), some_buffers()), nullptr);
  kernels::CudnnBuffers none = some_buffers();
  none.workspace_bytes = -1;
  EXPECT_EQ(ways.take(0, none), nullptr);
}

TEST(CudnnDevices, ThatAreNoneAreRefused) {
  for (const char* text : {"", "{}", "{\"deviceVer\": 900}", "no JSON"}) {
    std::string reason;
    EXPECT_EQ(kernels::Cudnn::open_for(text, reason), nullptr);
    EXPECT_NE(reason, "");
  }
}

}  // namespace
}  // namespace backdrop
