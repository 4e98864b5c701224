// Both plans on a scripted engine: what they visit, what they record, and that they agree.
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>

#include "backdrop/error.h"
#include "search/runner.h"
#include "search/statistics.h"
#include "tests/search/fake_engine.h"

namespace backdrop {
namespace {

using testing::fake_input;
using testing::FakeEngine;
using testing::identity_map;

constexpr int kClasses = 9;
constexpr int kForegrounds = 31;
constexpr int kBackgrounds = 203;

/// Background at which foreground f is first fooled; beyond the last for every third.
int fooled_from(int f) {
  return f % 3 == 0 ? kBackgrounds : f * f % 180;
}

void script(int f, int b, std::span<float> logits) {
  for (std::size_t c = 0; c < logits.size(); ++c)
    logits[c] = 0.1f * static_cast<float>((f + b + static_cast<int>(c)) % 7);
  const bool fooled = b >= fooled_from(f) && (b - fooled_from(f)) % 5 == 0;
  const int winner = fooled ? (f + 1 + b % 8) % kClasses : f % kClasses;
  logits[static_cast<std::size_t>(winner)] = 5;
}

class RunnerTest : public ::testing::TestWithParam<std::tuple<int, int, int>> {
 protected:
  RunnerTest() {
    std::tie(engine.tile_size, engine.batch_size, engine.thread_count) = GetParam();
    engine.set_backgrounds(input.backgrounds);
  }

  template <typename MakePlan>
  SearchResult run(MakePlan make_plan) {
    engine.visited.clear();
    const PlanShape shape = plan_shape(engine, input);
    auto plan = make_plan(shape);
    SearchResult result = run_search(engine, input, identity_map(kClasses), *plan, shape, {});
    EXPECT_EQ(plan->settled(), std::size_t{kForegrounds} * kBackgrounds);
    return result;
  }

  SearchResult run_adaptive() {
    return run([this](const PlanShape& shape) {
      return plan_adaptive(shape, input.foreground_labels(), input.background_labels());
    });
  }

  ChallengeStatistics statistics(const SearchResult& result) const {
    return compute_statistics(result.pairs, input.foreground_labels(), input.background_labels(),
                              identity_map(kClasses), kClasses);
  }

  ChallengeInput input = fake_input(kForegrounds, kBackgrounds, kClasses);
  FakeEngine engine{kClasses, script};
};

TEST_P(RunnerTest, AllPairsAreEvaluatedOnce) {
  const SearchResult result = run(plan_all_pairs);
  const std::set<std::pair<int, int>> distinct(engine.visited.begin(), engine.visited.end());
  EXPECT_EQ(engine.visited.size(), std::size_t{kForegrounds} * kBackgrounds);
  EXPECT_EQ(distinct.size(), engine.visited.size());
  EXPECT_EQ(result.evaluated, engine.visited.size());
  EXPECT_EQ(result.recorded, engine.visited.size());
  for (int f = 0; f < kForegrounds; ++f)
    for (int b = 0; b < kBackgrounds; ++b) {
      std::vector<float> logits(kClasses);
      script(f, b, logits);
      const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
      ASSERT_EQ(result.pairs.predictions[result.pairs.index(f, b)], best) << f << ' ' << b;
    }
}

TEST_P(RunnerTest, TilesAreFinishedBeforeTheNext) {
  for (const auto make_plan : {plan_all_pairs, plan_first_fooling}) {
    run(make_plan);
    if (engine.tile_size == 0) return;
    int tile = 0;
    for (const auto& [f, b] : engine.visited) {
      ASSERT_GE(b / engine.tile_size, tile);
      tile = b / engine.tile_size;
    }
  }
}

TEST_P(RunnerTest, FirstRecordsUpToTheFirstFoolingBackground) {
  const SearchResult result = run(plan_first_fooling);
  std::size_t expected = 0;
  for (int f = 0; f < kForegrounds; ++f)
    for (int b = 0; b < kBackgrounds; ++b) {
      const bool recorded = b <= fooled_from(f);
      expected += recorded;
      const std::size_t pair = result.pairs.index(f, b);
      ASSERT_EQ(result.pairs.predictions[pair] >= 0, recorded) << f << ' ' << b;
      ASSERT_EQ(std::isnan(result.pairs.margins[pair]), !recorded) << f << ' ' << b;
    }
  EXPECT_EQ(result.recorded, expected);
  EXPECT_EQ(result.evaluated, engine.visited.size());
  EXPECT_LT(result.evaluated, expected * 2);
}

TEST_P(RunnerTest, ModesAgree) {
  const SearchResult all = run(plan_all_pairs);
  const SearchResult first = run(plan_first_fooling);
  const ChallengeStatistics of_all = statistics(all);
  const ChallengeStatistics of_first = statistics(first);
  EXPECT_EQ(of_all.total.vulnerable, of_first.total.vulnerable);
  EXPECT_GT(of_all.total.vulnerable, 0);
  for (std::size_t f = 0; f < of_all.foregrounds.size(); ++f)
    EXPECT_EQ(of_all.foregrounds[f].first_fooling, of_first.foregrounds[f].first_fooling);
}

TEST_P(RunnerTest, TheAdaptiveOrderFindsTheSameVulnerableForegrounds) {
  const ChallengeStatistics of_all = statistics(run(plan_all_pairs));
  const SearchResult adaptive = run_adaptive();
  const ChallengeStatistics of_adaptive = statistics(adaptive);
  const std::set<std::pair<int, int>> distinct(engine.visited.begin(), engine.visited.end());
  EXPECT_EQ(distinct.size(), engine.visited.size()) << "a pair was computed twice";
  EXPECT_EQ(adaptive.evaluated, engine.visited.size());
  EXPECT_EQ(adaptive.recorded, adaptive.evaluated);
  EXPECT_EQ(of_all.total.vulnerable, of_adaptive.total.vulnerable);
  for (std::size_t f = 0; f < of_all.foregrounds.size(); ++f) {
    ASSERT_EQ(of_all.foregrounds[f].vulnerable(), of_adaptive.foregrounds[f].vulnerable()) << f;
    if (of_all.foregrounds[f].vulnerable()) continue;
    ASSERT_EQ(of_adaptive.foregrounds[f].evaluated, kBackgrounds) << f;
  }
}

TEST_P(RunnerTest, TheAdaptiveOrderMeetsOneTileAfterTheOther) {
  run_adaptive();
  const int tile = plan_shape(engine, input).tile;
  if (tile == 0) return;
  std::set<int> met;
  std::set<int> current;
  for (const auto& [f, b] : engine.visited) {
    if (!met.insert(b).second) {
      // A background met before the current tile would have to be computed again.
      ASSERT_TRUE(current.contains(b)) << b;
      continue;
    }
    if (static_cast<int>(current.size()) == tile) current.clear();
    current.insert(b);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RunnerTest,
                         ::testing::Values(std::tuple(0, 4, 2), std::tuple(50, 4, 1), std::tuple(7, 8, 3),
                                           std::tuple(1, 1, 1), std::tuple(0, 2048, 1),
                                           std::tuple(500, 16, 64)));

/// Every pair of the scripted engine.
struct AllPairs {
  AllPairs() { engine.set_backgrounds(input.backgrounds); }
  SearchResult run(const SearchHooks& hooks) {
    return run_search(engine, input, identity_map(kClasses), *plan, shape, hooks);
  }

  ChallengeInput input = fake_input(kForegrounds, kBackgrounds, kClasses);
  FakeEngine engine{kClasses, script};
  PlanShape shape = plan_shape(engine, input);
  std::unique_ptr<WorkPlan> plan = plan_all_pairs(shape);
};

TEST(RunSearch, StopsWhenAskedAndReportsProgress) {
  AllPairs all;
  int reports = 0;
  SearchHooks hooks;
  hooks.progress = [&](const SearchProgress& progress) {
    ++reports;
    EXPECT_EQ(progress.total, std::size_t{kForegrounds} * kBackgrounds);
    EXPECT_EQ(progress.settled, progress.evaluated);
  };
  hooks.stop = [&] { return reports == 1; };
  try {
    all.run(hooks);
    FAIL() << "was not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::interrupted);
  }
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(all.engine.visited.size(), all.plan->settled());
}

TEST(RunSearch, EveryPairHasItsOwnLogitsAndProgressCountsForegrounds) {
  class KeepLogits : public PairSink {
   public:
    bool wants_logits() const override { return true; }
    void store(const PairAnswers& answers) override {
      for (std::size_t i = 0; i < answers.backgrounds.size(); ++i) {
        const auto first = answers.logits.begin() + static_cast<std::ptrdiff_t>(i * kClasses);
        kept[{answers.foreground, answers.backgrounds[i]}] = {first, first + kClasses};
      }
    }
    std::map<std::pair<int, int>, std::vector<float>> kept;
  } sink;
  AllPairs all;
  int vulnerable = 0;
  SearchHooks hooks;
  hooks.sinks.push_back(&sink);
  hooks.progress = [&](const SearchProgress& progress) { vulnerable = progress.vulnerable; };
  const SearchResult result = all.run(hooks);
  EXPECT_EQ(sink.kept.size(), result.recorded);
  for (const auto& [pair, logits] : sink.kept) {
    std::vector<float> expected(kClasses);
    script(pair.first, pair.second, expected);
    ASSERT_EQ(logits, expected) << pair.first << ' ' << pair.second;
  }
  EXPECT_EQ(vulnerable, compute_statistics(result.pairs, all.input, identity_map(kClasses)).total.vulnerable);
}

TEST(RunSearch, TheAdaptiveOrderLearnsWhichBackgroundFoolsMost) {
  const ChallengeInput input = fake_input(60, 200, 2);
  FakeEngine engine(2, [](int f, int b, std::span<float> logits) {
    logits[static_cast<std::size_t>(f % 2)] = b == 150 ? -2 : 2;
  });
  engine.set_backgrounds(input.backgrounds);
  const PlanShape shape = plan_shape(engine, input);
  const auto plan = plan_adaptive(shape, input.foreground_labels(), input.background_labels());
  const SearchResult result = run_search(engine, input, identity_map(2), *plan, shape, {});
  EXPECT_EQ(compute_statistics(result.pairs, input, identity_map(2)).total.vulnerable, 60);
  EXPECT_LT(result.evaluated, 60u * 20u) << "the plain order takes 151 for each";
}

TEST(RunSearch, AskedToStopAfterTheLastPairStillFinishes) {
  const ChallengeInput input = fake_input(2, 4, kClasses);
  FakeEngine engine(kClasses, script);
  engine.set_backgrounds(input.backgrounds);
  const PlanShape shape = plan_shape(engine, input);
  auto plan = plan_all_pairs(shape);
  bool done = false;
  SearchHooks hooks;
  hooks.progress = [&](const SearchProgress& progress) { done = progress.settled == progress.total; };
  hooks.stop = [&] { return done; };
  EXPECT_EQ(run_search(engine, input, identity_map(kClasses), *plan, shape, hooks).recorded, 8u);
}

TEST(RunSearch, ClassesThatPredictionsCannotTellApartAreRefused) {
  const ChallengeInput input = fake_input(1, 1, kClasses);
  FakeEngine largest(32767, script);
  prepare_engine(largest, input);
  FakeEngine larger(32768, script);
  EXPECT_THROW(prepare_engine(larger, input), Error);
}

TEST(RunSearch, ThePlanIsThatOfTheModeAndTheOrder) {
  const ChallengeInput input = fake_input(4, 40, 4);
  const PlanShape shape{.foregrounds = 4, .backgrounds = 40, .batch = 8};
  const auto first_of_the_second = [&](const char* mode, const char* order) {
    const auto plan = make_plan(mode, order, shape, input);
    const std::vector<Piece> wave = plan->next_wave();
    return std::pair(wave[1].backgrounds.front(), wave[1].backgrounds.size());
  };
  EXPECT_EQ(first_of_the_second("all", "plain"), std::pair(0, std::size_t{40}));
  EXPECT_EQ(first_of_the_second("first", "plain"), std::pair(0, std::size_t{4}));
  EXPECT_EQ(first_of_the_second("first", "adaptive"), std::pair(4, std::size_t{4}));
}

TEST(RunSearch, TheAdaptiveOrderBeginsWithBackgroundsOfAllClasses) {
  const PlanShape shape{.foregrounds = 2, .backgrounds = 9, .tile = 3, .batch = 2};
  const auto plan = plan_adaptive(shape, {3, 3}, {0, 0, 0, 1, 1, 1, 2, 2, 2});
  const std::vector<Piece> wave = plan->next_wave();
  ASSERT_EQ(wave.size(), 2u);
  EXPECT_THAT(wave[0].backgrounds, ::testing::ElementsAre(0));
  EXPECT_THAT(wave[1].backgrounds, ::testing::ElementsAre(3));
}

TEST(RunSearch, TheAdaptiveOrderTakesLabelsOfAnySize) {
  const std::vector<int> labels = fake_input(4, 40, 3).background_labels();
  std::vector<int> large;
  for (const int label : labels) large.push_back(30'000 * label);
  const PlanShape shape{.foregrounds = 4, .backgrounds = 40, .batch = 8};
  const auto first_wave = [&](const std::vector<int>& of) {
    const auto plan = plan_adaptive(shape, {of[0], of[1], of[2], of[0]}, of);
    std::vector<int> backgrounds;
    for (const Piece& piece : plan->next_wave())
      backgrounds.insert(backgrounds.end(), piece.backgrounds.begin(), piece.backgrounds.end());
    return backgrounds;
  };
  EXPECT_EQ(first_wave(large), first_wave(labels));
}

TEST(RunSearch, ClassesThatMapToNothingAreNeverRight) {
  const ChallengeInput input = fake_input(2, 3, 2);
  FakeEngine engine(3, [](int, int b, std::span<float> logits) { logits[static_cast<std::size_t>(b)] = 1; });
  engine.set_backgrounds(input.backgrounds);
  const PlanShape shape = plan_shape(engine, input);
  auto plan = plan_all_pairs(shape);
  const ClassMap map{{0, 1, -1}};
  const SearchResult result = run_search(engine, input, map, *plan, shape, {});
  const auto statistics =
      compute_statistics(result.pairs, input.foreground_labels(), input.background_labels(), map, 2);
  EXPECT_EQ(statistics.fooled, 4);
  EXPECT_EQ(statistics.backgrounds[2].others_fooled, 1);
  EXPECT_EQ(statistics.backgrounds[2].others_into_class, 0);
}

}  // namespace
}  // namespace backdrop
