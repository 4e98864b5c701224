// The whole GPU engine with its own kernels, interpreted: streams whose work is done at once, as late as it
// may be, and in random order among each other.
#include <gtest/gtest.h>

#include "backdrop/error.h"
#include "tests/conformance/device_values.h"
#include "tests/conformance/reuse_scene.h"
#include "tests/ptx/runtime.h"
#include "tests/slow_tests.h"

namespace backdrop {
namespace {

using test::kClasses;

constexpr int kBackgrounds = 5;
constexpr int kSize = 9;
constexpr int kSmallSize = 5;

struct Run {
  Precision precision = Precision::fp32;
  bool reuse = true;
  float tolerance = 1e-4f;  // of the largest logit
};

class InterpretedEngine : public testing::TestWithParam<Run> {
 protected:
  void TearDown() override { ptx::use_device({}); }

  void compare(const ptx::Device& device) {
    ptx::use_device(device);
    const auto network = test::random_residual_network(kSize, 4);
    const test::Scene expected = test::plain_scene(network, kSize, kBackgrounds, kClasses, 4);
    test::Scene actual(kSize, kBackgrounds, kClasses, 4);
    EngineOptions options;
    options.precision = GetParam().precision;
    options.reuse = GetParam().reuse;
    options.batch = 3;
    ptx::take_graph_launches();
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    actual.run(*engine);
    if (GetParam().precision == Precision::int8) {
      EXPECT_EQ(engine->screening().value().sums, Precision::fp16);
    }
    if (!options.reuse) {
      EXPECT_GT(ptx::take_graph_launches(), 0);
    }
    test::expect_logits(actual, expected, GetParam().tolerance);
    EXPECT_EQ(actual.predictions, expected.predictions);
  }
};

TEST_P(InterpretedEngine, AsLateAsPossible) {
  compare({.timing = ptx::Timing::late});
}

TEST_P(InterpretedEngine, InRandomOrder) {
  // The streams are the same in every precision.
  if (GetParam().precision != Precision::fp32 && !test::slow_tests_run())
    GTEST_SKIP() << test::kOnlySlowTests;
  compare({.timing = ptx::Timing::random});
}

TEST_P(InterpretedEngine, AtOnceOnAnOlderDevice) {
  if (GetParam().precision == Precision::fp8)
    EXPECT_THROW(compare({.capability = 80}), Error);
  else
    compare({.capability = 80, .timing = ptx::Timing::at_once});
}

TEST(InterpretedClusters, GiveThePlainLogits) {
  ptx::use_device({.timing = ptx::Timing::random});
  const auto network = test::wide_network(kSmallSize);
  CudaLayers layers(*network, Precision::fp16);
  int clusters = 0;
  for (int i = 0; i < layers.position_layers(); ++i) {
    if (!layers.fits_clusters(i)) continue;
    layers.use(i, kernels::Products::clusters);
    ++clusters;
  }
  EXPECT_EQ(clusters, 2);
  test::Scene actual(kSmallSize, kBackgrounds, kClasses, 4);
  const CudaPhotos photos = upload_photos(*actual.backgrounds);
  const DeviceBuffer in9 = test::to_device(std::vector<std::int32_t>(kClasses, 0));
  PlanFolder nowhere({}, {}, false, {});
  CudaDenseLayers whole(layers, kBackgrounds, {}, nowhere);
  CudaReuse reuse(whole, photos, in9.as<std::int32_t>(), {1, std::size_t{1} << 26});
  test::run_alone(reuse, actual);
  test::expect_logits(actual, test::plain_scene(network, kSmallSize, kBackgrounds, kClasses, 4), 1e-2f);
  ptx::use_device({});
}

// Two in a row, behind a pool that stores what they read.
TEST(InterpretedFullyConnectedLayers, MultiplyBfloat16Beside8Bits) {
  ptx::use_device({.timing = ptx::Timing::random});
  const auto network = test::random_plain_network(kSmallSize, 5);
  const test::Scene expected = test::plain_scene(network, kSmallSize, kBackgrounds, kClasses, 5);
  ThreadPool pool(1);
  const Calibration calibration = calibrate(
      network, {{{&expected.foregrounds[0], &expected.masks[0], &expected.backgrounds->front()}}}, pool);
  const CudaPhotos photos = upload_photos(*expected.backgrounds);
  const DeviceBuffer in9 = test::to_device(std::vector<std::int32_t>(kClasses, 0));
  for (const Precision precision : {Precision::int8, Precision::fp8}) {
    for (const auto products : {kernels::Products::warps, kernels::Products::warpgroups}) {
      SCOPED_TRACE(::testing::Message() << name(precision) << " by " << name(products));
      CudaLayers layers(*network, precision);
      layers.set_calibration(*network, calibration);
      layers.use(products);
      EXPECT_EQ(layers.form(layers.position_layers()), Precision::bf16);
      EXPECT_EQ(layers.products(layers.position_layers()), products);
      test::Scene actual(kSmallSize, kBackgrounds, kClasses, 5);
      PlanFolder nowhere({}, {}, false, {});
      CudaDenseLayers whole(layers, kBackgrounds, {}, nowhere);
      CudaReuse reuse(whole, photos, in9.as<std::int32_t>(), {1, std::size_t{1} << 26});
      test::run_alone(reuse, actual);
      test::expect_logits(actual, expected, 0.2f);
    }
  }
  ptx::use_device({});
}

INSTANTIATE_TEST_SUITE_P(Runs, InterpretedEngine,
                         testing::Values(Run{}, Run{Precision::fp32, false},
                                         Run{Precision::fp16, true, 1e-2f},
                                         Run{Precision::fp16, false, 1e-2f}, Run{Precision::int8, true, 0.5f},
                                         Run{Precision::int8, false, 0.5f}, Run{Precision::fp8, true, 0.5f}),
                         [](const auto& run) {
                           return std::string(name(run.param.precision)) +
                                  (run.param.reuse ? "_reuse" : "_dense");
                         });

}  // namespace
}  // namespace backdrop
