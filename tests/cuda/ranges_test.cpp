// What a profiler is told while the GPU engine searches, over the emulated runtime.
#include <gmock/gmock.h>

#include "engine/engine.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/recorded_ranges.h"

namespace backdrop {
namespace {

using test::kClasses;
using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;

class Ranges : public ::testing::Test {
 protected:
  Ranges() {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
    test::allow_bottlenecks(false);
    test::take_ranges();
  }
  ~Ranges() override {
    test::allow_bottlenecks(true);
    EXPECT_EQ(test::open_ranges(), 0);
  }

  // The ranges of a search; those of the engine's start are forgotten.
  std::vector<std::string> search(bool reuse, Precision precision, int batch = 0) {
    EngineOptions options;
    options.reuse = reuse;
    options.batch = batch;
    options.precision = precision;
    options.threads = 1;
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    test::Scene scene(13, 5, kClasses, 4);
    engine->set_backgrounds(scene.backgrounds);
    EXPECT_THAT(test::take_ranges(), Contains("load"));
    engine->classify_composites(scene.tasks());
    return test::take_ranges();
  }

  // The layers by their names, where each is found in a batch.
  std::vector<std::string> layers_in(const std::string& place) const {
    std::vector<std::string> paths;
    bool reduces = false;
    for (const Layer& layer : network->layers) {
      reduces = reduces || layer.kind == LayerKind::average_pool || layer.kind == LayerKind::fully_connected;
      paths.push_back(place + (reduces ? "/reduce/" : "/") + layer.name);
    }
    return paths;
  }

  std::shared_ptr<const Network> network = test::random_residual_network(13, 4);
};

TEST_F(Ranges, NameWhatEveryLayerIs) {
  const auto dense = search(false, Precision::fp32);
  EXPECT_THAT(dense, IsSupersetOf(layers_in("batch")));
  EXPECT_THAT(dense, IsSupersetOf({"batch/composite", "batch/decide"}));
  const auto reuse = search(true, Precision::fp32);
  EXPECT_THAT(reuse, IsSupersetOf(layers_in("foreground/batch")));
  EXPECT_THAT(reuse, IsSupersetOf({"lists", "foreground/normalise"}));
  EXPECT_THAT(reuse, Not(Contains("recheck")));
}

TEST_F(Ranges, NameGraphs) {
  const auto ranges = search(false, Precision::fp32, 3);
  EXPECT_THAT(ranges, IsSupersetOf(layers_in("batch")));
  EXPECT_THAT(ranges, IsSupersetOf({"batch/capture", "batch/graph", "batch/decide"}));
}

TEST_F(Ranges, NameWhatIsDecidedAgain) {
  const auto ranges = search(false, Precision::bf16);
  EXPECT_THAT(ranges, Contains("calibrate"));
  EXPECT_THAT(ranges, Contains("recheck"));
  EXPECT_THAT(ranges, IsSupersetOf(layers_in("recheck/batch")));
}

}  // namespace
}  // namespace backdrop
