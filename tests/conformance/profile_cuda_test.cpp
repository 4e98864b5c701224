// The roofs of a GPU, and a search's profile on it: steps of the device add up to no more than the clock.
#include <gtest/gtest.h>

#include "engine/cuda_device.h"
#include "engine/profile_report.h"
#include "tests/conformance/device_values.h"
#include "tests/conformance/scene.h"

namespace backdrop {
namespace {

class CudaProfile : public testing::Test {
 protected:
  void SetUp() override { test::require_gpu(); }
};

TEST_F(CudaProfile, EveryPrecisionHasAPeak) {
  const MachinePeak peak = measure_cuda_peak(0, test::gpu_without());
  EXPECT_GT(peak.bytes_per_second, 1e10);
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16,
                                    Precision::int8, Precision::fp8}) {
    if (precision == Precision::fp8 && !open_cuda_device(0).has_fp8()) continue;
    EXPECT_GT(peak.of(precision), 1e11) << name(precision);
  }
}

TEST_F(CudaProfile, StepsAddUp) {
  constexpr int kBackgrounds = 40;
  const auto network = test::random_residual_network(31, 2);
  test::Scene scene(31, kBackgrounds, network->classes(), 1);
  std::vector<CompositeTask> tasks = scene.tasks();
  std::erase_if(tasks, [](const CompositeTask& task) { return task.backgrounds.size() < kBackgrounds; });
  for (const bool reuse : {true, false}) {
    SCOPED_TRACE(reuse ? "reuse" : "dense");
    EngineOptions options;
    options.precision = Precision::fp16;
    options.reuse = reuse;
    options.gpu_without = test::gpu_without();
    const auto engine = make_cuda_engine(network, default_class_map(network->classes()), options);
    const SearchTimes times =
        ProfiledSearch(*engine, *network, tasks, scene.backgrounds, {1e12, {1e12}}).run();
    EXPECT_GT(times.layer_seconds, 0);
    EXPECT_EQ(times.compositing_seconds > 0, !reuse);
    EXPECT_GT(times.other_seconds, 0);
    for (const LayerProfile& layer : times.layers) EXPECT_GE(layer.seconds, 0) << layer.name;
  }
}

}  // namespace
}  // namespace backdrop
