// The report against the analysis it sums up, and the choice of the hand-off.
#include "engine/plan_report.h"

#include <gmock/gmock.h>

#include <set>

#include "engine/batch_rows.h"
#include "engine/engine.h"
#include "engine/position_sets.h"
#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

constexpr std::size_t kPlenty = std::size_t{1} << 32;

std::vector<const Mask*> pointers(const std::vector<Mask>& masks) {
  std::vector<const Mask*> result;
  for (const Mask& mask : masks) result.push_back(&mask);
  return result;
}

TEST(PlanReport, SumsUpTheAnalysisOfEveryMask) {
  const auto network = test::random_residual_network(31, 2);
  const std::vector<Mask> masks{test::make_mask("disc", 31, 1), test::make_mask("left", 31, 1),
                                test::make_mask("pixel", 31, 2)};
  const PlanReport report = report_plan(*network, pointers(masks), 100, kPlenty);
  for (std::size_t i = 0; i < report.layers.size(); ++i) {
    const LayerPlan& layer = report.layers[i];
    EXPECT_NEAR(layer.mixed + layer.background + layer.foreground, 1.0, 1e-9);
    double expected = 0;
    for (const Mask& mask : masks)
      expected += static_cast<double>(
          cost_of_layer(*network, find_position_sets(*network, mask, report.choice.hand_off),
                        static_cast<int>(i))
              .multiply_adds);
    EXPECT_NEAR(layer.multiply_adds, expected / 3, 1e-6 * expected);
    EXPECT_LE(layer.multiply_adds, static_cast<double>(layer.whole_multiply_adds));
    EXPECT_EQ(layer.cached_bytes > 0, static_cast<int>(i) < report.choice.hand_off);
  }
  EXPECT_LE(report.multiply_adds_share, 1.0);
  EXPECT_LE(report.written_share, 1.0);
}

TEST(PlanReport, AFullMaskCostsALittleAndAnEmptyOneToo) {
  const auto network = test::random_plain_network(32, 3);
  for (const char* name : {"full", "empty"}) {
    const std::vector<Mask> masks(50, test::make_mask(name, 32, 1));
    const PlanReport report = report_plan(*network, pointers(masks), 50, kPlenty);
    for (int i = 0; i < report.choice.hand_off; ++i) EXPECT_EQ(report.layers[i].multiply_adds, 0) << name;
  }
}

TEST(PlanReport, CachesInEachPrecisionWhatTheEngineDoes) {
  constexpr int kSize = 31;
  constexpr int kBackgrounds = 40;
  const Image photo = test::random_image(kSize, 1);
  const std::vector<Mask> masks(30, test::make_mask("disc", kSize, 1));
  const auto backgrounds = std::make_shared<std::vector<Image>>();
  std::vector<int> all;
  for (int b = 0; b < kBackgrounds; ++b) {
    backgrounds->push_back(test::random_image(kSize, 100u + static_cast<unsigned>(b)));
    all.push_back(b);
  }
  std::vector<std::int16_t> predictions(kBackgrounds);
  std::vector<CompositeTask> tasks;
  for (const Mask& mask : masks)
    tasks.push_back({&photo, &mask, 0, all, predictions.data(), nullptr, nullptr});
  for (const auto& network : {test::random_plain_network(kSize, 3), test::random_residual_network(kSize, 2)})
    for (const Precision precision : {Precision::fp32, Precision::bf16, Precision::int16, Precision::int8})
      for (const std::size_t memory : {std::size_t{4} << 20, kPlenty}) {
        const auto engine = make_cpu_engine(
            network, default_class_map(9),
            {.threads = 1, .batch = 1, .cache_memory = memory, .precision = precision, .portable = true});
        engine->set_backgrounds(backgrounds);
        engine->prepare(pointers(masks));
        engine->calibrate(tasks, {});
        const PlanReport report = report_plan(*network, pointers(masks), kBackgrounds, memory, precision);
        const bool sums = engine->screening() && engine->screening()->sums;
        const CachePlan cache = sums ? report.cache_with_sums.value() : report.cache;
        EXPECT_EQ(engine->hand_off(), report.choice.hand_off);
        EXPECT_EQ(std::min(engine->tile(), kBackgrounds), cache.tile) << name(precision) << ' ' << memory;
        EXPECT_EQ(cache.tile == kBackgrounds, memory == kPlenty) << name(precision);
        if (memory != kPlenty) continue;
        const std::size_t each = cache.bytes_per_background + cache.exact_bytes_per_background;
        EXPECT_NEAR(static_cast<double>(engine->cache_bytes()), static_cast<double>(kBackgrounds * each),
                    kBackgrounds * 64.0 * (report.choice.hand_off + 1));
        EXPECT_EQ(precision == Precision::fp32, cache.exact_bytes_per_background == 0);
      }
}

TEST(HandOff, FitsTheMemoryThatIsGiven) {
  const auto network = test::random_residual_network(40, 6);
  const std::vector<Mask> masks(30, test::make_mask("disc", 40, 1));
  for (const std::size_t memory : {std::size_t{200'000}, std::size_t{4} << 20, kPlenty}) {
    const HandOffChoice choice = choose_hand_off(*network, pointers(masks), 30, 64, memory);
    EXPECT_GE(choice.tile, 1);
    EXPECT_LE(choice.tile, 64);
    if (choice.tile > 1) {
      EXPECT_LE(choice.tile * choice.bytes_per_background, memory);
    }
    EXPECT_LT(choice.hand_off, first_fully_connected(*network));
  }
}

TEST(HandOff, IsEarlierWhereWholeImagesAreComputedFaster) {
  const auto network = test::random_residual_network(40, 6);
  const std::vector<Mask> masks(30, test::make_mask("disc", 40, 1));
  const auto choose = [&](double pace) {
    return choose_hand_off(*network, pointers(masks), 30, 64, kPlenty, [&](int, int) { return pace; })
        .hand_off;
  };
  EXPECT_GT(choose(1.0), 0);
  EXPECT_EQ(choose(1.0), choose_hand_off(*network, pointers(masks), 30, 64, kPlenty).hand_off);
  EXPECT_LE(choose(0.5), choose(1.0));
  EXPECT_LT(choose(0.01), choose(1.0));
}

TEST(HandOff, AsksForThePaceOfLayersFromACutOn) {
  const auto network = test::random_residual_network(40, 6);
  const std::vector<Mask> masks(3, test::make_mask("disc", 40, 1));
  const int layers = first_fully_connected(*network);
  std::set<int> cuts{0};
  for (int hand_off = 0; hand_off < layers; ++hand_off) cuts.insert(earliest_cut(*network, hand_off));
  std::set<int> asked;
  choose_hand_off(*network, pointers(masks), 3, 64, kPlenty, [&](int first, int layer) {
    EXPECT_GE(layer, first);
    EXPECT_LT(layer, layers);
    asked.insert(first);
    return 1.0;
  });
  EXPECT_THAT(cuts, ::testing::IsSupersetOf(asked));
  EXPECT_GT(asked.size(), 2u);
}

TEST(HandOff, ASingleForegroundIsNotWorthACache) {
  const auto network = test::random_residual_network(40, 6);
  const std::vector<Mask> masks{test::make_mask("disc", 40, 1)};
  EXPECT_EQ(choose_hand_off(*network, pointers(masks), 1, 64, kPlenty).hand_off, 0);
}

}  // namespace
}  // namespace backdrop
