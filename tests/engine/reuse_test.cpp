// Exact reuse against the plain reference loops: random networks, all kinds of masks, every hand-off, small
// caches.
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/position_sets.h"
#include "engine/reuse_runner.h"
#include "tests/conformance/scene.h"

namespace backdrop {
namespace {

using test::expect_logits;
using test::kClasses;
using test::Scene;

ClassMap identity() {
  return default_class_map(kClasses);
}

void compare_engines(std::shared_ptr<const Network> network, int size, unsigned seed,
                     const EngineOptions& options) {
  Scene expected(size, 11, kClasses, seed);
  EngineOptions plain;
  plain.reference = true;
  plain.threads = 2;
  auto reference = make_cpu_engine(network, identity(), plain);
  reference->set_backgrounds(expected.backgrounds);
  reference->classify_composites(expected.tasks());

  Scene actual(size, 11, kClasses, seed);
  auto engine = make_cpu_engine(network, identity(), options);
  engine->set_backgrounds(actual.backgrounds);
  engine->classify_composites(actual.tasks());
  expect_logits(actual, expected, 1e-4f);
}

TEST(Reuse, RandomNetworksEqualTheReference) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    const int size = 15 + static_cast<int>(seed);
    EngineOptions options;
    options.threads = 1 + seed % 3;
    options.batch = 1 + seed % 5;
    compare_engines(test::random_residual_network(size, seed), size, seed, options);
    compare_engines(test::random_plain_network(size, seed), size, seed, options);
  }
}

TEST(Reuse, EveryPositionAndOneDnnEqualTheReference) {
  for (unsigned seed = 20; seed < 26; ++seed) {
    EngineOptions options;
    options.threads = 2;
    options.batch = 3;
    options.reuse = false;
    options.onednn = seed % 2 == 0;
    compare_engines(test::random_residual_network(21, seed), 21, seed, options);
    compare_engines(test::random_plain_network(16, seed), 16, seed, options);
  }
}

TEST(Reuse, EveryHandOffAndCacheSizeGivesTheSameLogits) {
  const int size = 19;
  const auto network = test::random_residual_network(size, 9);
  ThreadPool pool(2);
  const DecisionWriter writer(identity(), kClasses);
  Scene expected(size, 13, kClasses, 9);
  for (int hand_off = 0; hand_off < first_fully_connected(*network); ++hand_off) {
    for (const std::size_t memory : {std::size_t{1}, std::size_t{1} << 30}) {
      SCOPED_TRACE(::testing::Message() << "hand-off " << hand_off << ", memory " << memory);
      Scene actual(size, 13, kClasses, 9);
      ReuseRunner runner(network, {3, hand_off, memory}, pool);
      runner.set_backgrounds(actual.backgrounds);
      runner.run(actual.tasks(), writer);
      if (hand_off == 0 && memory == 1) expected = actual;
      expect_logits(actual, expected, 1e-4f);
      if (memory > 1) {
        EXPECT_EQ(runner.cache().fills(), 13);
      }
    }
  }
}

TEST(Reuse, MultiplyAddsDoneEqualTheAnalysis) {
  const int size = 21;
  for (unsigned seed = 30; seed < 36; ++seed) {
    const auto network =
        seed % 2 == 0 ? test::random_residual_network(size, seed) : test::random_plain_network(size, seed);
    ThreadPool pool(2);
    const DecisionWriter writer(identity(), kClasses);
    for (int hand_off = 0; hand_off < first_fully_connected(*network); ++hand_off) {
      Scene scene(size, 7, kClasses, seed);
      ReuseRunner runner(network, {4, hand_off, std::size_t{1} << 30}, pool);
      runner.set_backgrounds(scene.backgrounds);
      runner.run(scene.tasks(), writer);
      std::int64_t expected = 0;
      for (std::size_t f = 0; f < scene.masks.size(); ++f) {
        const PositionSets sets = find_position_sets(*network, scene.masks[f], hand_off);
        for (int i = 0; i < first_fully_connected(*network); ++i)
          expected += cost_of_layer(*network, sets, i).products() * std::int64_t(scene.chosen[f].size());
      }
      EXPECT_EQ(runner.multiply_adds(), expected) << "seed " << seed << ", hand-off " << hand_off;
    }
  }
}

TEST(Reuse, TheSameBitsTwiceAndWithAnyNumberOfThreads) {
  const auto network = test::random_residual_network(20, 4);
  std::vector<Scene> scenes;
  for (const int threads : {1, 2, 3}) {
    scenes.emplace_back(20, 9, kClasses, 4);
    EngineOptions options;
    options.threads = threads;
    auto engine = make_cpu_engine(network, identity(), options);
    engine->set_backgrounds(scenes.back().backgrounds);
    engine->classify_composites(scenes.back().tasks());
  }
  EXPECT_EQ(scenes[0].logits, scenes[1].logits);
  EXPECT_EQ(scenes[0].logits, scenes[2].logits);
}

TEST(Reuse, NewBackgroundsReplaceTheCachedOnes) {
  const int size = 18;
  const auto network = test::random_plain_network(size, 7);
  Scene first(size, 6, kClasses, 7);
  Scene second(size, 6, kClasses, 8);
  auto engine = make_cpu_engine(network, identity(), {});
  engine->set_backgrounds(first.backgrounds);
  engine->classify_composites(first.tasks());
  engine->set_backgrounds(second.backgrounds);
  engine->classify_composites(second.tasks());

  Scene fresh(size, 6, kClasses, 8);
  auto other = make_cpu_engine(network, identity(), {});
  other->set_backgrounds(fresh.backgrounds);
  other->classify_composites(fresh.tasks());
  expect_logits(second, fresh, 1e-4f);
}

}  // namespace
}  // namespace backdrop
