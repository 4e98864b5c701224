// The dense path with bottlenecks in one kernel against the same layer by layer, over the emulated runtime.
#include <gtest/gtest.h>

#include <numeric>

#include "engine/cuda_dense.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/small_resnet.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::kClasses;

TEST(FusedBottlenecks, AreFound) {
  const auto chains = find_chains(*test::small_resnet(7));
  ASSERT_EQ(chains.size(), 1u);
  ASSERT_EQ(chains[0].size(), 3u);
  EXPECT_EQ(chains[0][0].shortcut, 3);
  EXPECT_EQ(chains[0][1].shortcut, -1);
  EXPECT_EQ(chains[0][2].expand, 10);
  // A reader of what is inside ends a chain.
  Network read = *test::small_resnet(7);
  read.layers[8].residual = 2;
  ASSERT_EQ(find_chains(read).size(), 1u);
  EXPECT_EQ(find_chains(read)[0].size(), 1u);
}

TEST(FusedBottlenecks, GiveTheLayersLogits) {
  constexpr int kSize = 9;
  const auto network = test::small_resnet(kSize);
  test::limit_device_memory(std::size_t{1} << 30);
  for (const Precision precision : {Precision::int8, Precision::fp16, Precision::fp8}) {
    SCOPED_TRACE(name(precision));
    test::Scene scene(kSize, 3, kClasses, 9);
    CudaLayers layers(*network, precision);
    ThreadPool pool(1);
    if (needs_calibration(precision))
      layers.set_calibration(
          *network,
          calibrate(network, {{{&scene.foregrounds[0], &scene.masks[0], &scene.backgrounds->front()}}},
                    pool));
    const CudaPhotos photos = upload_photos(*scene.backgrounds);
    std::vector<std::int32_t> in9(kClasses);
    std::iota(in9.begin(), in9.end(), 0);
    std::vector<std::vector<float>> logits[2];
    for (const bool fused : {false, true}) {
      test::allow_bottlenecks(fused);
      PlanFolder nowhere({}, {}, false, {});
      CudaDense dense(layers, in9.data(), 2, {}, nowhere);
      const bool says = dense.libraries().find("3 bottlenecks in 1 kernels") != std::string::npos;
      EXPECT_EQ(says, fused && precision != Precision::fp8) << dense.libraries();
      auto tasks = scene.tasks();
      tasks.resize(2);
      dense.run(tasks, photos,
                [&](std::size_t t, std::size_t place, const kernels::DeviceDecision&, const float* from) {
                  std::copy_n(from, kClasses, tasks[t].logits + place * kClasses);
                });
      logits[fused].assign(scene.logits.begin(), scene.logits.begin() + 2);
    }
    for (std::size_t f = 0; f < logits[0].size(); ++f)
      for (std::size_t i = 0; i < logits[0][f].size(); ++i)
        ASSERT_NEAR(logits[1][f][i], logits[0][f][i], precision == Precision::fp16 ? 1e-2f : 0.0f);
  }
}

TEST(FusedBottlenecks, AreKeptAndTakenUnasked) {
  const auto network = test::small_resnet(5);
  test::limit_device_memory(std::size_t{1} << 30);
  const testing::TemporaryFolder temporary;
  PlanFolder plans(temporary.path, "emulated", false, {});
  const CudaLayers layers(*network, Precision::fp16);
  std::vector<std::int32_t> in9(kClasses);
  const auto libraries = [&] {
    test::take_timings();
    return CudaDense(layers, in9.data(), 1, {}, plans).libraries();
  };
  const std::string fused = "emulated, 3 bottlenecks in 1 kernels";
  EXPECT_EQ(libraries(), fused);
  EXPECT_GT(test::take_timings(), 0);
  EXPECT_EQ(libraries(), fused);
  EXPECT_EQ(test::take_timings(), 0);
  const std::string subject = "dense fp16, batch 1, no cuDNN";
  const std::vector<MeasuredPlan::Chain> chains =
      plans.find(subject, layers.network()).value_or(MeasuredPlan()).chains;
  ASSERT_EQ(chains.size(), 1u);
  EXPECT_EQ(chains[0].bottlenecks, 3);
  // Others that can run: single ones, in any order.
  plans.keep(subject, layers.network(), {kernels::Products::warps, {}, {}, {{8, 1, 8, 50}, {1, 1, 8, 100}}});
  EXPECT_EQ(libraries(), "emulated, 2 bottlenecks in 2 kernels");
  EXPECT_EQ(test::take_timings(), 0);
  // Twice the same layers, a part of a chain, layers that begin none, and a device that cannot.
  for (const std::vector<MeasuredPlan::Chain>& wrong :
       {std::vector<MeasuredPlan::Chain>{{1, 3, 8}, {8, 1, 8}},
        {{8, 1, 8}, {1, 3, 8}},
        {{1, 2, 8}},
        {{2, 1, 8}},
        {{1, 0, 8}},
        {{1, 4, 8}},
        {{1, 3, 12}},
        {{1, 3, 8, 101}}}) {
    plans.keep(subject, layers.network(), {kernels::Products::warps, {}, {}, wrong});
    EXPECT_EQ(libraries(), fused);
    EXPECT_GT(test::take_timings(), 0);
  }
  test::break_bottlenecks(true);
  EXPECT_EQ(libraries(), "emulated, 5 ways left out for other results than ours");
  test::break_bottlenecks(false);
  test::allow_bottlenecks(false);
  EXPECT_EQ(libraries(), "emulated");
  test::allow_bottlenecks(true);
}

}  // namespace
}  // namespace backdrop
