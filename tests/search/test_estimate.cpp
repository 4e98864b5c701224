// What a search stopped early may claim.
#include <gmock/gmock.h>

#include <cmath>

#include "search/estimate.h"
#include "tests/search/fake_engine.h"
#include "tests/search/journaled_search.h"

namespace backdrop {
namespace {

TEST(PoissonUpperLimit, IsThatOfTheTables) {
  EXPECT_NEAR(poisson_upper_limit(0), 2.996, 1e-3);
  EXPECT_NEAR(poisson_upper_limit(1), 4.744, 1e-3);
  EXPECT_NEAR(poisson_upper_limit(10), 16.962, 1e-3);
  EXPECT_NEAR(poisson_upper_limit(1000), 1053.6, 1);
}

/// Foregrounds that met `met` of 100 backgrounds each, some of them fooled on the last one.
ChallengeStatistics statistics_of(const std::vector<std::pair<int, bool>>& foregrounds) {
  ChallengeStatistics statistics;
  statistics.backgrounds.resize(100);
  for (const auto& [met, fooled] : foregrounds) {
    statistics.foregrounds.push_back({.evaluated = met, .fooled = fooled});
    ++statistics.total.foregrounds;
    statistics.total.vulnerable += fooled;
  }
  return statistics;
}

TEST(EarlyAnswer, BoundsCountWhatIsKnown) {
  const EarlyAnswer answer =
      early_answer(statistics_of({{100, false}, {40, false}, {7, true}, {0, false}}), false);
  EXPECT_DOUBLE_EQ(answer.upper, 0.75);
  EXPECT_DOUBLE_EQ(answer.lower, 0.25);
  EXPECT_FALSE(answer.likely_lower.has_value());
}

TEST(EarlyAnswer, NothingIsLikelyBeforeEveryForegroundHasMetSomeBackground) {
  EXPECT_FALSE(early_answer(statistics_of({{40, false}, {0, false}}), true).likely_lower.has_value());
}

TEST(EarlyAnswer, TheLikelyEndLiesBetweenTheBounds) {
  std::vector<std::pair<int, bool>> foregrounds(50, {60, false});
  foregrounds.resize(60, {50, true});
  const EarlyAnswer answer = early_answer(statistics_of(foregrounds), true);
  ASSERT_TRUE(answer.likely_lower.has_value());
  EXPECT_LT(*answer.likely_lower, answer.upper);
  EXPECT_GT(*answer.likely_lower, answer.lower);
}

TEST(EarlyAnswer, TheLikelyEndIsThatOfTheRateOfLateFooling) {
  const EarlyAnswer answer =
      early_answer(statistics_of({{41, false}, {60, false}, {20, true}, {21, true}, {100, false}}), true);
  // Half of 41 is 20: of those behind it one was fooled in 21 + 40 + 0 + 1 + 80.
  const double safe = 1 - poisson_upper_limit(1) / 142;
  const double fooled = (1 - std::pow(safe, 59)) + (1 - std::pow(safe, 40));
  EXPECT_NEAR(answer.likely_lower.value(), 0.6 - fooled / 5, 1e-12);
}

TEST(EarlyAnswer, HoldsForASearchStoppedAnywhere) {
  testing::JournaledSearch search("unused");
  const PlanShape shape = plan_shape(search.engine, search.input);
  const auto search_until = [&](std::size_t pairs) {
    const auto plan =
        plan_adaptive(shape, search.input.foreground_labels(), search.input.background_labels());
    SearchHooks hooks;
    hooks.enough = [pairs](const SearchProgress& progress) { return progress.evaluated >= pairs; };
    const ClassMap map = testing::identity_map(testing::kScriptedClasses);
    const SearchResult result = run_search(search.engine, search.input, map, *plan, shape, hooks);
    const auto statistics =
        compute_statistics(result.pairs, search.input.foreground_labels(), search.input.background_labels(),
                           map, testing::kScriptedClasses);
    return std::pair(result, statistics);
  };
  const auto [whole, of_whole] = search_until(SIZE_MAX);
  EXPECT_TRUE(whole.complete);
  const double truth = of_whole.total.challenge_accuracy();
  EXPECT_DOUBLE_EQ(early_answer(of_whole, true).lower, truth);
  for (const std::size_t pairs : {1u, 200u, 500u, 900u, 1200u}) {
    const auto [part, of_part] = search_until(pairs);
    EXPECT_FALSE(part.complete);
    EXPECT_GE(part.evaluated, pairs);
    const EarlyAnswer answer = early_answer(of_part, true);
    EXPECT_GE(answer.upper, truth);
    EXPECT_LE(answer.lower, truth);
    EXPECT_LE(answer.likely_lower.value_or(0), truth + 1e-9) << pairs;
  }
}

}  // namespace
}  // namespace backdrop
