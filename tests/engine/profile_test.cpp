// A profile against the engine's own counts, and the peaks against each other.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "backdrop/error.h"
#include "engine/layer_traffic.h"
#include "engine/profile_report.h"
#include "kernels/peak_loop.h"
#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

// Two foregrounds on ten backgrounds.
struct Scene {
  std::shared_ptr<const Network> network = test::random_residual_network(31, 2);
  ClassMap map;
  std::vector<Image> photos{test::random_image(31, 1), test::random_image(31, 2)};
  std::vector<Mask> masks{test::make_mask("disc", 31, 1), test::make_mask("left", 31, 1)};
  std::shared_ptr<std::vector<Image>> backgrounds = std::make_shared<std::vector<Image>>();
  std::vector<int> indices = std::vector<int>(10);
  std::vector<std::int16_t> predictions = std::vector<std::int16_t>(20);
  std::vector<CompositeTask> tasks;

  Scene() {
    map.in9.assign(static_cast<std::size_t>(network->classes()), 0);
    for (unsigned i = 0; i < 10; ++i) backgrounds->push_back(test::random_image(31, 10 + i));
    std::iota(indices.begin(), indices.end(), 0);
    for (std::size_t i = 0; i < 2; ++i)
      tasks.push_back({.foreground = &photos[i],
                       .mask = &masks[i],
                       .backgrounds = indices,
                       .predictions = predictions.data() + 10 * i});
  }
};

TEST(Profile, CountsEveryMultiplyAddAndItsTimesAddUp) {
  const Scene scene;
  for (const bool reuse : {true, false}) {
    const EngineOptions options{.threads = 2, .reuse = reuse, .cache_memory = std::size_t{1} << 28};
    const SearchTimes times =
        profile_search(scene.network, scene.map, options, scene.tasks, scene.backgrounds, {1e9, 1e9});
    const auto engine = make_cpu_engine(scene.network, scene.map, options);
    engine->set_backgrounds(scene.backgrounds);
    engine->classify_composites(scene.tasks);

    ASSERT_EQ(times.layers.size(), scene.network->layers.size());
    double multiply_adds = 0;
    for (int i = 0; i < first_fully_connected(*scene.network); ++i)
      multiply_adds += times.layers[i].multiply_adds;
    EXPECT_NEAR(multiply_adds * 20, static_cast<double>(engine->multiply_adds()), 1.0) << reuse;
    double seconds = 0;
    for (const LayerProfile& layer : times.layers) seconds += 20 * layer.seconds;
    EXPECT_NEAR(seconds, times.layer_seconds, 1e-9 + 1e-6 * seconds);
    EXPECT_GT(times.layer_seconds, 0);
    EXPECT_GE(times.other_seconds(), -1e-9);
    EXPECT_EQ(times.reuse, reuse);
    EXPECT_GT(times.foreground_seconds, 0);
  }
}

TEST(Profile, WithoutReuseEveryPositionIsComputed) {
  const Scene scene;
  const SearchTimes times = profile_search(scene.network, scene.map, {.threads = 1, .reuse = false},
                                           scene.tasks, scene.backgrounds, {1e9, 1e9});
  for (const LayerProfile& layer : times.layers) EXPECT_EQ(layer.mixed, 1.0) << layer.name;
}

TEST(Profile, RefusesAnEngineWithoutClocks) {
  const Scene scene;
  EXPECT_THROW(profile_search(scene.network, scene.map, {.reference = true}, scene.tasks, scene.backgrounds,
                              {1e9, 1e9}),
               Error);
}

TEST(LayerTraffic, OfAWholeLayerIsItsInputItsOutputAndAShareOfItsWeights) {
  const auto network = test::random_plain_network(32, 3);
  const PositionSets sets = all_mixed(*network);
  const Layer& layer = network->layers[1];
  const double weights = static_cast<double>(layer.weights.size() + layer.bias.size());
  const double values = static_cast<double>(layer.in.size() + layer.out.size());
  // Windows that skip rows or columns read less than the whole input.
  EXPECT_LE(least_traffic(*network, sets, 1, 4), sizeof(float) * (values + weights / 4));
  EXPECT_GE(least_traffic(*network, sets, 1, 4), sizeof(float) * (layer.out.size() + weights / 4));
}

TEST(MachinePeak, IsMeasuredAndWiderVectorsDoMore) {
  ThreadPool pool(1);
  const MachinePeak peak = measure_machine_peak(pool);
  EXPECT_GT(peak.multiply_adds_per_second, 1e7);
  EXPECT_GT(peak.bytes_per_second, 1e7);
  std::int64_t narrower = 0;
  for (const InstructionSet set : usable_instruction_sets()) {
    float sink = 1;
    const std::int64_t done = kernels::run_peak_loop(set, 10, &sink);
    EXPECT_GT(done, narrower) << name(set);
    EXPECT_TRUE(std::isfinite(sink));
    narrower = done;
  }
}

}  // namespace
}  // namespace backdrop
