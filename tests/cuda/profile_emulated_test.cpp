// The profile of a search on the GPU over the emulated runtime, whose time is the convolutions started, in
// milliseconds.
#include <gtest/gtest.h>

#include "engine/batch_rows.h"
#include "engine/cuda_check.h"
#include "engine/cuda_step_clock.h"
#include "engine/layer_shapes.h"
#include "engine/position_sets.h"
#include "engine/profile_report.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"

namespace backdrop {
namespace {

using test::kBackgrounds;
using test::kClasses;

constexpr int kBatch = 3;
constexpr int kBatches = 3;  // of a foreground
constexpr MachinePeak kPeaks{1e9, {1e9}};

class EmulatedProfile : public ::testing::Test {
 protected:
  void SetUp() override {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
    test::allow_bottlenecks(false);
    for (auto& chosen : scene.chosen) {
      chosen.resize(kBackgrounds);
      std::iota(chosen.begin(), chosen.end(), 0);
    }
    for (std::size_t f = 0; f < scene.chosen.size(); ++f) {
      scene.predictions[f].resize(kBackgrounds);
      scene.margins[f].resize(kBackgrounds);
      scene.logits[f].resize(kBackgrounds * kClasses);
    }
  }
  void TearDown() override { test::allow_bottlenecks(true); }

  SearchTimes profile(bool reuse, Precision precision, std::size_t cache_memory = 0) {
    EngineOptions options;
    options.cache_memory = cache_memory;
    options.batch = kBatch;
    options.reuse = reuse;
    options.precision = precision;
    options.gpu_without.add(GpuWay::split);  // every convolution takes as long
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    const SearchTimes times =
        ProfiledSearch(*engine, *network, scene.tasks(), scene.backgrounds, kPeaks).run();
    hand_off = engine->hand_off();
    return times;
  }

  // Of whole images the padding's, too.
  double multiply_adds_of(int layer) const {
    if (!hand_off || layer >= earliest_cut(*network, *hand_off))
      return static_cast<double>(network->layers[layer].macs());
    double all = 0;
    for (const Mask& mask : scene.masks)
      all += static_cast<double>(
          cost_of_layer(*network, find_position_sets(*network, mask, *hand_off), layer).multiply_adds);
    return all / static_cast<double>(scene.masks.size());
  }

  std::shared_ptr<const Network> network = test::random_residual_network(15, 2);
  test::Scene scene{15, kBackgrounds, kClasses, 2};
  std::optional<int> hand_off;
};

TEST_F(EmulatedProfile, CountsTheStepsAndTheMultiplyAddsOfEachLayer) {
  // With a cache of the least size most layers compute whole images.
  for (const auto& [reuse, cache_memory] : {std::pair(true, 0), std::pair(true, 1), std::pair(false, 0)}) {
    const SearchTimes times = profile(reuse, Precision::fp32, cache_memory);
    SCOPED_TRACE(::testing::Message() << "reuse " << reuse << ", cache " << cache_memory);
    if (cache_memory == 1) {
      EXPECT_LT(earliest_cut(*network, *hand_off), first_fully_connected(*network) / 2);
    }
    EXPECT_EQ(times.reuse, reuse);
    ASSERT_EQ(times.layers.size(), network->layers.size());
    // Of each layer: batches of one foreground each with reuse, else of any.
    const std::size_t starts =
        reuse ? scene.masks.size() * kBatches : (times.composites() + kBatch - 1) / kBatch;
    for (int i = 0; i < static_cast<int>(times.layers.size()); ++i) {
      SCOPED_TRACE(times.layers[i].name);
      const LayerKind kind = network->layers[i].kind;
      const bool pool = kind == LayerKind::max_pool || kind == LayerKind::average_pool;
      EXPECT_NEAR(times.layers[i].multiply_adds, pool ? 0 : multiply_adds_of(i), 1e-6 * network->macs());
      EXPECT_NEAR(1e3 * times.layers[i].seconds * static_cast<double>(times.composites()),
                  pool ? 0.0 : static_cast<double>(starts), 1e-3);
      EXPECT_GT(times.layers[i].bytes, 0);
    }
    EXPECT_EQ(times.cache_fill_seconds > 0, reuse && *hand_off > 0);
  }
}

TEST_F(EmulatedProfile, BelowFp32TheFullyConnectedLayersToo) {
  const SearchTimes times = profile(true, Precision::fp16);
  EXPECT_EQ(times.precision, Precision::fp16);
  EXPECT_EQ(times.layers.front().products, Precision::fp16);
  EXPECT_EQ(times.layers.back().products, Precision::fp16);
  EXPECT_LE(times.rechecked + times.audited, static_cast<std::int64_t>(times.composites()));
  const SearchTimes bytes = profile(true, Precision::int8);
  EXPECT_EQ(bytes.layers.front().products, Precision::int8);
  EXPECT_EQ(bytes.layers.back().products, Precision::bf16);
}

TEST(CudaStepClock, SharesATimeByMultiplyAddsAndForgetsWhatLiesBetween) {
  SearchProfile profile(4);
  CudaStepClock clock;
  clock.lap_layer(0, 5, nullptr);  // no profile yet
  clock.set_profile(&profile);
  clock.start(nullptr);
  test::pass_time(8);
  clock.lap_layers(1, std::vector<std::int64_t>{100, 300}, nullptr);
  test::pass_time(16);
  clock.start(nullptr);
  test::pass_time(2);
  clock.lap(&SearchProfile::compositing, nullptr);
  clock.collect();
  clock.collect();
  EXPECT_EQ(profile.layers[0].nanoseconds, 0);
  EXPECT_EQ(profile.layers[1].nanoseconds, 2'000'000);
  EXPECT_EQ(profile.layers[2].nanoseconds, 6'000'000);
  EXPECT_EQ(profile.layers[2].multiply_adds, 300);
  EXPECT_EQ(profile.compositing.nanoseconds, 2'000'000);
}

TEST(CudaStepClock, LosesNothingInLongRuns) {
  SearchProfile profile(1);
  CudaStepClock clock;
  clock.set_profile(&profile);
  for (int i = 0; i < 10'000; ++i) {
    clock.start(nullptr);
    test::pass_time(1);
    clock.lap_layer(0, 1, nullptr);
  }
  clock.collect();
  EXPECT_EQ(profile.layers[0].nanoseconds, std::int64_t{10'000} * 1'000'000);
  EXPECT_EQ(profile.layers[0].multiply_adds, 10'000);
}

TEST(CudaPeak, IsWithoutWgmmaWhereThatIsForbidden) {
  test::show_devices(1);
  test::take_warpgroup_loops();
  const auto loops = [](const GpuWays& without) {
    // The products come first; the memory's arrays need more than there is.
    test::limit_device_memory(std::size_t{1} << 20);
    EXPECT_THROW(measure_cuda_peak(0, without), DeviceMemoryError);
    test::limit_device_memory(std::size_t{1} << 30);
    return test::take_warpgroup_loops();
  };
  EXPECT_GT(loops({}), 0);
  GpuWays without;
  without.add(GpuWay::wgmma);
  EXPECT_EQ(loops(without), 0);
}

}  // namespace
}  // namespace backdrop
