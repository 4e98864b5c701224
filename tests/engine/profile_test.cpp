// A profile against the engine's own counts, and the peaks against each other.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "backdrop/error.h"
#include "engine/hand_off.h"
#include "engine/layer_traffic.h"
#include "engine/profile_runs.h"
#include "engine/reduced_network.h"
#include "engine/reuse_runner.h"
#include "kernels/dot_convolution.h"
#include "kernels/peak_loop.h"
#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

// Two foregrounds on ten backgrounds.
struct ProfiledScene {
  std::shared_ptr<const Network> network = test::random_residual_network(31, 2);
  ClassMap map;
  std::vector<Image> photos{test::random_image(31, 1), test::random_image(31, 2)};
  std::vector<Mask> masks{test::make_mask("disc", 31, 1), test::make_mask("left", 31, 1)};
  std::shared_ptr<std::vector<Image>> backgrounds = std::make_shared<std::vector<Image>>();
  std::vector<int> indices = std::vector<int>(10);
  std::vector<std::int16_t> predictions = std::vector<std::int16_t>(20);
  std::vector<CompositeTask> tasks;

  ProfiledScene() {
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

SearchTimes profile(const ProfiledScene& scene, const EngineOptions& options, const MachinePeak& peak) {
  const std::unique_ptr<Engine> engine = make_cpu_engine(scene.network, scene.map, options);
  return ProfiledSearch(*engine, *scene.network, scene.tasks, scene.backgrounds, peak).run();
}

TEST(Profile, CountsEveryMultiplyAddAndItsTimesAddUp) {
  const ProfiledScene scene;
  for (const bool reuse : {true, false}) {
    const EngineOptions options{.threads = 2, .reuse = reuse, .cache_memory = std::size_t{1} << 28};
    const SearchTimes times = profile(scene, options, {1e9, {1e9}});
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
    EXPECT_GE(times.other_seconds, -1e-9);
    EXPECT_EQ(times.reuse, reuse);
    EXPECT_GT(times.foreground_seconds, 0);
  }
}

// Below fp32: by plain loops, with a peak of its own for each kind of product.
constexpr MachinePeak kPeaks{1e9, {1e9, 0, 0, 2e9, 3e9, 4e9}};

SearchTimes profile_below(const ProfiledScene& scene, Precision precision, bool reuse,
                          const MachinePeak& peak) {
  const EngineOptions options{.threads = 2,
                              .reuse = reuse,
                              .cache_memory = std::size_t{1} << 28,
                              .precision = precision,
                              .portable = true};
  return profile(scene, options, peak);
}

// The fast pass alone, counted by the runner itself.
std::int64_t count_fast_pass(const ProfiledScene& scene, Precision precision, bool reuse) {
  ThreadPool pool(2);
  std::vector<const Mask*> masks{&scene.masks[0], &scene.masks[1]};
  const std::size_t memory = std::size_t{1} << 28;
  const int hand_off = reuse ? choose_hand_off(*scene.network, masks, 2, 10, memory).hand_off : 0;
  ReducedOptions options;
  options.precision = precision;
  options.portable = true;
  if (needs_calibration(precision)) {
    const std::vector<CompositePhotos> photos{
        {&scene.photos[0], &scene.masks[0], &scene.backgrounds->front()}};
    options.calibration = calibrate(scene.network, photos, pool);
  }
  ReuseRunner runner(std::make_unique<ReducedNetwork>(*scene.network, options),
                     {options.rows, hand_off, memory}, pool);
  runner.set_backgrounds(scene.backgrounds);
  runner.run(scene.tasks, DecisionWriter(scene.map, scene.network->classes()));
  return runner.multiply_adds();
}

TEST(Profile, BelowFp32TheFastPassAndWhatIsDecidedAgainAddUp) {
  const ProfiledScene scene;
  const int positioned = first_fully_connected(*scene.network);
  for (const Precision precision : {Precision::bf16, Precision::int16, Precision::int8}) {
    for (const bool reuse : {true, false}) {
      SCOPED_TRACE(::testing::Message() << name(precision) << ", reuse " << reuse);
      const Precision tiles = precision == Precision::int8 ? Precision::bf16 : precision;
      const SearchTimes times = profile_below(scene, precision, reuse, kPeaks);
      EXPECT_EQ(times.precision, precision);
      EXPECT_LE(times.rechecked + times.audited, 20);
      EXPECT_EQ(times.decided_again_seconds > 0, times.rechecked + times.audited > 0);
      EXPECT_LE(times.exact_fill_seconds, times.decided_again_seconds);
      EXPECT_EQ(times.exact_fill_seconds > 0,
                times.cache_fill_seconds > 0 && times.rechecked + times.audited > 0);
      EXPECT_GT(times.foreground_seconds, 0);
      EXPECT_GE(times.other_seconds, -1e-9);
      double multiply_adds = 0;
      double tile_multiply_adds = 0;
      double seconds = 0;
      for (int i = 0; i < static_cast<int>(times.layers.size()); ++i) {
        const LayerProfile& layer = times.layers[i];
        seconds += 20 * layer.seconds;
        EXPECT_EQ(layer.products, i < positioned ? precision : Precision::fp32) << layer.name;
        const double by_list = layer.multiply_adds - layer.tile_multiply_adds;
        EXPECT_NEAR(layer.compute_share * layer.seconds,
                    by_list / kPeaks.of(layer.products) + layer.tile_multiply_adds / kPeaks.of(tiles), 1e-12)
            << layer.name;
        if (i >= positioned) continue;
        multiply_adds += 20 * layer.multiply_adds;
        tile_multiply_adds += 20 * layer.tile_multiply_adds;
      }
      EXPECT_NEAR(seconds, times.layer_seconds, 1e-9 + 1e-6 * seconds);
      EXPECT_NEAR(multiply_adds, static_cast<double>(count_fast_pass(scene, precision, reuse)), 1.0);
      EXPECT_GT(tile_multiply_adds, 0);
      EXPECT_LT(tile_multiply_adds, multiply_adds);
    }
  }
}

TEST(Profile, AnUnmeasuredPeakGivesNoShare) {
  const ProfiledScene scene;
  const SearchTimes times = profile_below(scene, Precision::int8, true, {1e9, {1e9}});
  for (const LayerProfile& layer : times.layers)
    EXPECT_EQ(layer.compute_share > 0, layer.products == Precision::fp32) << layer.name;
}

TEST(Profile, TakesThePrecisionThatWasChosen) {
  const ProfiledScene scene;
  const EngineOptions options{.threads = 2, .choose_precision = true, .portable = true};
  const SearchTimes times = profile(scene, options, kPeaks);
  EXPECT_EQ(times.layers.front().products, times.precision);
  EXPECT_GT(times.layer_seconds, 0);
  EXPECT_GE(times.other_seconds, -1e-9);
}

TEST(Profile, CountsFeaturesAndPassesThatWereAtHand) {
  const ProfiledScene scene;
  ThreadPool pool(1);
  ReuseRunner runner(scene.network, {.hand_off = 3, .cache_memory = std::size_t{1} << 28}, pool);
  runner.set_backgrounds(scene.backgrounds);
  const DecisionWriter writer(scene.map, scene.network->classes());
  SearchProfile profile(scene.network->layers.size());
  runner.run(scene.tasks, writer);
  runner.set_profile(&profile);
  runner.run(scene.tasks, writer);
  EXPECT_EQ(runner.cache().fills(), 10);
  EXPECT_EQ(profile.foreground_pass.nanoseconds, 0);
  runner.forget();
  runner.run(scene.tasks, writer);
  EXPECT_EQ(runner.cache().fills(), 20);
  EXPECT_GT(profile.foreground_pass.nanoseconds, 0);
  EXPECT_GT(profile.cache_fill.nanoseconds, 0);
}

TEST(Profile, FullyConnectedWeightsAreReadOnceALargeBatch) {
  const ProfiledScene scene;
  const SearchTimes times = profile(scene, {.threads = 1}, {1e9, {1e9}});
  EXPECT_DOUBLE_EQ(times.layers.back().bytes,
                   least_traffic_fully_connected(scene.network->layers.back(), {.rows = 48}));
}

TEST(Profile, WithoutReuseEveryPositionIsComputed) {
  const ProfiledScene scene;
  const SearchTimes times = profile(scene, {.threads = 1, .reuse = false}, {1e9, {1e9}});
  for (const LayerProfile& layer : times.layers) EXPECT_EQ(layer.mixed, 1.0) << layer.name;
}

TEST(Profile, EveryRunDoesTheSameWorkWithNothingCached) {
  const ProfiledScene scene;
  for (const Precision precision : {Precision::fp32, Precision::int8}) {
    SCOPED_TRACE(name(precision));
    const auto engine = make_cpu_engine(
        scene.network, scene.map,
        {.threads = 2, .cache_memory = std::size_t{1} << 28, .precision = precision, .portable = true});
    ProfiledSearch search(*engine, *scene.network, scene.tasks, scene.backgrounds, kPeaks);
    EXPECT_EQ(search.precision(), precision);
    const SearchTimes first = search.run();
    const SearchTimes second = search.run();
    EXPECT_EQ(second.precision, precision);
    EXPECT_EQ(second.rechecked, first.rechecked);
    EXPECT_EQ(second.audited, first.audited);
    EXPECT_EQ(second.cache_fill_seconds > 0, first.cache_fill_seconds > 0);
    EXPECT_EQ(second.exact_fill_seconds > 0, first.exact_fill_seconds > 0);
    EXPECT_GT(second.foreground_seconds, 0);
    for (int i = 0; i < first_fully_connected(*scene.network); ++i) {
      EXPECT_EQ(second.layers[i].multiply_adds, first.layers[i].multiply_adds) << first.layers[i].name;
      EXPECT_EQ(second.layers[i].bytes, first.layers[i].bytes) << first.layers[i].name;
    }
  }
}

SearchTimes made_up_run(double seconds, double layer_seconds, double share) {
  SearchTimes times;
  times.seconds = seconds;
  times.other_seconds = 10 - seconds;
  times.rechecked = 3;
  times.layers.resize(2);
  times.layers[1].seconds = layer_seconds;
  times.layers[1].compute_share = share;
  return times;
}

TEST(ProfileRuns, TheMedianIsEachFiguresOwn) {
  const SearchTimes times =
      median_of({made_up_run(4, 2, 0.5), made_up_run(2, 9, 0.1), made_up_run(3, 1, 0.9)});
  EXPECT_EQ(times.seconds, 3);
  EXPECT_EQ(times.other_seconds, 7);
  EXPECT_EQ(times.layers[0].seconds, 0);
  EXPECT_EQ(times.layers[1].seconds, 2);
  EXPECT_EQ(times.layers[1].compute_share, 0.5);
  EXPECT_EQ(times.rechecked, 3);
  EXPECT_EQ(times.runs.size(), 3u);
  EXPECT_EQ(range_of(times, &SearchTimes::other_seconds).least, 6);
  EXPECT_EQ(range_of(times, &SearchTimes::other_seconds).most, 8);
  EXPECT_EQ(range_of_layer(times, 1).least, 1);
  EXPECT_EQ(range_of_layer(times, 1).most, 9);
}

TEST(ProfileRuns, OfAnEvenNumberItIsBetweenTheMiddleTwo) {
  const SearchTimes times = median_of(
      {made_up_run(4, 2, 0.5), made_up_run(2, 9, 0.1), made_up_run(3, 1, 0.9), made_up_run(8, 1, 0.3)});
  EXPECT_EQ(times.seconds, 3.5);
  EXPECT_EQ(times.layers[1].seconds, 1.5);
}

TEST(Profile, RefusesAnEngineWithoutClocks) {
  const ProfiledScene scene;
  EXPECT_THROW(profile(scene, {.reference = true}, {1e9, {1e9}}), Error);
}

TEST(LayerTraffic, OfAWholeLayerIsItsInputItsOutputAndAShareOfItsWeights) {
  const auto network = test::random_plain_network(32, 3);
  const PositionSets sets = all_mixed(*network);
  const Layer& layer = network->layers[1];
  const double weights = static_cast<double>(layer.weights.size() + layer.bias.size());
  const double values = static_cast<double>(layer.in.size() + layer.out.size());
  // Windows that skip rows or columns read less than the whole input.
  EXPECT_LE(least_traffic(*network, sets, 1, {.rows = 4}), sizeof(float) * (values + weights / 4));
  EXPECT_GE(least_traffic(*network, sets, 1, {.rows = 4}), sizeof(float) * (layer.out.size() + weights / 4));
}

TEST(LayerTraffic, ShrinksWithTheElementsAllButTheBiases) {
  const auto network = test::random_plain_network(32, 3);
  const PositionSets sets = all_mixed(*network);
  const double biases = sizeof(float) * static_cast<double>(network->layers[1].bias.size()) / 4;
  const double floats = least_traffic(*network, sets, 1, {.rows = 4}) - biases;
  EXPECT_NEAR(least_traffic(*network, sets, 1, {.rows = 4, .input_bytes = 2, .output_bytes = 2}) - biases,
              floats / 2, 1e-6 * floats);
  EXPECT_NEAR(least_traffic(*network, sets, 1, {.rows = 4, .input_bytes = 1, .output_bytes = 1}) - biases,
              floats / 4, 1e-6 * floats);
  const int last = first_fully_connected(*network) - 1;
  EXPECT_GT(least_traffic(*network, sets, last, {.rows = 4, .input_bytes = 1, .output_bytes = 1}),
            sizeof(float) * static_cast<double>(network->layers[last].out.size()));
}

TEST(MachinePeak, IsMeasuredAndWiderVectorsDoMore) {
  ThreadPool pool(1);
  const MachinePeak peak = measure_machine_peak(pool);
  EXPECT_GT(peak.of(Precision::fp32), 1e7);
  EXPECT_GT(peak.bytes_per_second, 1e7);
  std::int64_t narrower = 0;
  for (const InstructionSet set : usable_instruction_sets()) {
    float sink = 1;
    const std::int64_t done = kernels::run_peak_loop(set, 10, &sink);
    EXPECT_GT(done, narrower) << name(set);
    EXPECT_TRUE(std::isfinite(sink));
    narrower = done;
  }
  for (const Precision precision : {Precision::bf16, Precision::int16, Precision::int8}) {
    float sink = 1;
    const std::int64_t done = kernels::run_dot_peak_loop(precision, 10, &sink);
    EXPECT_EQ(done > 0, kernels::has_dot_instructions(precision)) << name(precision);
    EXPECT_EQ(peak.of(precision) > 0, kernels::has_dot_instructions(precision)) << name(precision);
    EXPECT_TRUE(std::isfinite(sink));
  }
}

}  // namespace
}  // namespace backdrop
