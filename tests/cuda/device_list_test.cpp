// What the GPU engine says of the GPUs that the emulated runtime shows.
#include "engine/device_list.h"

#include <cuda_runtime_api.h>
#include <gmock/gmock.h>

#include "tests/cuda/emulated_cuda.h"

namespace backdrop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeviceList : public ::testing::Test {
 protected:
  void SetUp() override { test::limit_device_memory(std::size_t{1} << 30); }
  void TearDown() override { test::show_devices(1); }
};

TEST_F(DeviceList, NamesEachGpu) {
  test::show_devices(3);
  const std::vector<DeviceDescription> gpus = describe_gpus();
  ASSERT_THAT(gpus, SizeIs(3));
  EXPECT_EQ(gpus[0].device, "cuda:0");
  EXPECT_EQ(gpus[2].device, "cuda:2");
  for (const DeviceDescription& gpu : gpus) {
    EXPECT_EQ(gpu.name, "emulated GPU");
    EXPECT_EQ(gpu.compute_capability, "9.0");
    EXPECT_EQ(gpu.memory, std::size_t{1} << 30);
    EXPECT_EQ(gpu.trouble, "");
    EXPECT_THAT(gpu.precisions, ElementsAre("fp32", "tf32", "fp16", "bf16", "int8", "fp8"));
  }
}

TEST_F(DeviceList, HasNoFp8BeforeCapability8Point9) {
  test::show_devices(1, 80);
  EXPECT_THAT(describe_gpus().at(0).precisions, ElementsAre("fp32", "tf32", "fp16", "bf16", "int8"));
}

TEST_F(DeviceList, SaysWhyAGpuCannotBeUsed) {
  test::show_devices(2, 75);
  const std::vector<DeviceDescription> gpus = describe_gpus();
  ASSERT_THAT(gpus, SizeIs(2));
  EXPECT_EQ(gpus[1].device, "cuda:1");
  EXPECT_EQ(gpus[1].compute_capability, "7.5");
  EXPECT_EQ(gpus[1].trouble, "GPU 1 (emulated GPU) has compute capability 7.5, and 8.0 is needed");
  EXPECT_THAT(gpus[1].precisions, IsEmpty());
}

TEST_F(DeviceList, SaysWhyThereIsNoGpu) {
  test::show_devices(0);
  const std::vector<DeviceDescription> gpus = describe_gpus();
  ASSERT_THAT(gpus, SizeIs(1));
  EXPECT_EQ(gpus[0].device, "cuda");
  EXPECT_EQ(gpus[0].name, "");
  EXPECT_THAT(gpus[0].trouble, HasSubstr("there is no NVIDIA GPU in this machine"));
}

TEST_F(DeviceList, LeavesTheThreadItsGpu) {
  test::show_devices(3);
  cudaSetDevice(1);
  describe_gpus();
  int current = 0;
  cudaGetDevice(&current);
  EXPECT_EQ(current, 1);
}

}  // namespace
}  // namespace backdrop
