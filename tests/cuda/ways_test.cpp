// The GPU engine without some of its ways to compute, over the emulated runtime.
#include <gmock/gmock.h>

#include "engine/cuda_memory.h"
#include "engine/cuda_random.h"
#include "engine/engine.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/small_resnet.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::kClasses;
using ::testing::HasSubstr;
using ::testing::Not;

class GpuWithout : public ::testing::Test {
 protected:
  static constexpr int kSize = 5;

  GpuWithout() {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
    test::allow_bottlenecks(true);
    options.reuse = false;
    options.threads = 1;
    options.batch = 2;
  }
  ~GpuWithout() override { test::offer_cudnn(false); }

  // A new engine; leaves its description.
  std::unique_ptr<Engine> make(std::initializer_list<GpuWay> without) {
    options.gpu_without = {};
    for (const GpuWay way : without) options.gpu_without.add(way);
    auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    description = engine->description();
    return engine;
  }

  // Searches on one.
  std::vector<std::vector<float>> search(std::initializer_list<GpuWay> without) {
    const auto engine = make(without);
    test::Scene scene(kSize, 3, kClasses, 4);
    scene.run(*engine);
    description = engine->description();
    return scene.logits;
  }

  EngineOptions options;
  std::shared_ptr<const Network> network = test::wide_network(kSize);
  std::string description;
};

TEST_F(GpuWithout, WgmmaOrClusters) {
  options.precision = Precision::bf16;
  make({});
  EXPECT_THAT(description, HasSubstr("by wgmma (clusters: 2)"));
  EXPECT_THAT(description, Not(HasSubstr("without")));
  make({GpuWay::clusters});
  EXPECT_THAT(description, HasSubstr("by wgmma,"));
  EXPECT_THAT(description, HasSubstr(", without clusters"));
  make({GpuWay::wgmma});
  EXPECT_THAT(description, Not(HasSubstr("by wgmma")));
}

TEST_F(GpuWithout, Split) {
  make({});
  EXPECT_THAT(description, HasSubstr("fp32 by wgmma of split tf32,"));
  make({GpuWay::wgmma});
  EXPECT_THAT(description, HasSubstr("fp32 by mma.sync of split tf32,"));
  make({GpuWay::split});
  EXPECT_THAT(description, Not(HasSubstr("of split")));
}

TEST_F(GpuWithout, Cudnn) {
  test::offer_cudnn(true);
  search({});
  EXPECT_THAT(description, HasSubstr("cuDNN 9.0.0 for"));
  search({GpuWay::cudnn});
  EXPECT_THAT(description, HasSubstr(", our kernels, without cudnn"));
}

TEST_F(GpuWithout, Bottlenecks) {
  network = test::small_resnet(kSize);
  options.precision = Precision::fp16;
  search({GpuWay::bottlenecks});
  EXPECT_THAT(description, Not(HasSubstr("bottlenecks in")));
}

TEST_F(GpuWithout, Graphs) {
  const auto expected = search({});
  EXPECT_GT(test::take_graph_launches(), 0);
  EXPECT_EQ(search({GpuWay::cudnn, GpuWay::graphs}), expected);
  EXPECT_EQ(test::take_graph_launches(), 0);
  EXPECT_THAT(description, HasSubstr(", without cudnn, graphs"));
}

TEST_F(GpuWithout, WhatCannotBeStarted) {
  options.precision = Precision::bf16;
  test::refuse_clusters(true);
  make({});
  test::refuse_clusters(false);
  EXPECT_THAT(description, HasSubstr("by wgmma,"));
}

// What is faster among fewer ways is another plan.
TEST_F(GpuWithout, KeepsPlansOfItsOwn) {
  const testing::TemporaryFolder temporary;
  options.precision = Precision::bf16;
  options.plan_folder = temporary.path;
  make({GpuWay::wgmma});
  make({});
  EXPECT_THAT(description, HasSubstr("by wgmma (clusters: 2)"));
  make({GpuWay::clusters});
  make({});
  EXPECT_THAT(description, HasSubstr("by wgmma (clusters: 2)"));
}

// Else one that takes an image for another would agree with the others.
TEST(RandomElements, DifferFromImageToImage) {
  test::limit_device_memory(std::size_t{1} << 30);
  test::show_devices(1);
  constexpr std::size_t kImage = 64 * 1024;
  constexpr std::size_t kImages = 128;
  const DeviceBuffer memory(kImages * kImage);
  fill_with_random_elements(Precision::int8, memory.data(), memory.size());
  for (std::size_t i = 1; i < kImages; ++i)
    EXPECT_NE(std::memcmp(memory.data(), memory.data() + i * kImage, kImage), 0) << "image " << i;
}

}  // namespace
}  // namespace backdrop
