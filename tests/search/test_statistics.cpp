// Statistics of matrices small enough to count by hand.
#include <gmock/gmock.h>

#include <cmath>

#include "search/statistics.h"
#include "tests/search/fake_engine.h"

namespace backdrop {
namespace {

using ::testing::ElementsAre;
using testing::identity_map;

/// Three foregrounds (classes 0, 1, 2) on four backgrounds (classes 0, 1, 2, 0).
class StatisticsTest : public ::testing::Test {
 protected:
  StatisticsTest() {
    pairs.predictions = {0, 1, 0, 0,   // fooled on the second
                         1, 1, 1, 0,   // fooled on the fourth, into its class
                         2, 2, 2, 2};  // never fooled
    pairs.margins = {3, -1, 2, 1, 3, 2, 1, -4, 5, 6, 4, 7};
  }

  ChallengeStatistics compute() const {
    return compute_statistics(pairs, foreground_labels, background_labels, identity_map(3), 3);
  }

  PairMatrix pairs{3, 4};
  std::vector<int> foreground_labels{0, 1, 2};
  std::vector<int> background_labels{0, 1, 2, 0};
};

TEST_F(StatisticsTest, Foregrounds) {
  const ChallengeStatistics statistics = compute();
  EXPECT_EQ(statistics.foregrounds[0].first_fooling, 1);
  EXPECT_EQ(statistics.foregrounds[0].fooled, 1);
  EXPECT_EQ(statistics.foregrounds[1].first_fooling, 3);
  EXPECT_EQ(statistics.foregrounds[1].worst_background, 3);
  EXPECT_EQ(statistics.foregrounds[1].lowest_margin, -4);
  EXPECT_EQ(statistics.foregrounds[2].first_fooling, -1);
  EXPECT_EQ(statistics.foregrounds[2].worst_background, 2);
  EXPECT_FALSE(statistics.foregrounds[2].vulnerable());
}

TEST_F(StatisticsTest, ChallengeAccuracy) {
  const ChallengeStatistics statistics = compute();
  EXPECT_EQ(statistics.total.foregrounds, 3);
  EXPECT_EQ(statistics.total.vulnerable, 2);
  EXPECT_DOUBLE_EQ(statistics.total.challenge_accuracy(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(statistics.classes[1].challenge_accuracy(), 0);
  EXPECT_DOUBLE_EQ(statistics.classes[2].challenge_accuracy(), 1);
  EXPECT_EQ(statistics.evaluated, 12);
  EXPECT_EQ(statistics.fooled, 2);
}

TEST_F(StatisticsTest, BackgroundsAreJudgedByOtherClasses) {
  const ChallengeStatistics statistics = compute();
  EXPECT_EQ(statistics.backgrounds[1].evaluated, 3);
  EXPECT_EQ(statistics.backgrounds[1].others_evaluated, 2);
  EXPECT_DOUBLE_EQ(statistics.backgrounds[1].fooled_share(), 0.5);
  EXPECT_DOUBLE_EQ(statistics.backgrounds[1].into_class_share(), 0.5);
  EXPECT_DOUBLE_EQ(statistics.backgrounds[3].into_class_share(), 0.5);
  EXPECT_DOUBLE_EQ(statistics.backgrounds[0].fooled_share(), 0);
}

TEST_F(StatisticsTest, AForegroundOnItsOwnClassDoesNotCount) {
  pairs.predictions[0] = 2;  // a class-0 foreground fooled on a class-0 background
  const ChallengeStatistics statistics = compute();
  EXPECT_EQ(statistics.foregrounds[0].first_fooling, 0);
  EXPECT_EQ(statistics.backgrounds[0].fooled, 1);
  EXPECT_EQ(statistics.backgrounds[0].others_fooled, 0);
}

TEST_F(StatisticsTest, PairsThatWereNotEvaluatedAreLeftOut) {
  pairs.predictions[7] = -1;
  for (std::size_t i = 8; i < 12; ++i) pairs.predictions[i] = -1;
  const ChallengeStatistics statistics = compute();
  EXPECT_EQ(statistics.evaluated, 7);
  EXPECT_EQ(statistics.total.vulnerable, 1);
  EXPECT_TRUE(std::isnan(statistics.backgrounds[3].fooled_share()));
  EXPECT_TRUE(std::isnan(statistics.foregrounds[2].lowest_margin));
  EXPECT_THAT(most_adversarial_backgrounds(statistics, background_labels, 2),
              ElementsAre(ElementsAre(), ElementsAre(1), ElementsAre()));
}

TEST_F(StatisticsTest, MostAdversarialBackgrounds) {
  const ChallengeStatistics statistics = compute();
  EXPECT_THAT(most_adversarial_backgrounds(statistics, background_labels, 2),
              ElementsAre(ElementsAre(3), ElementsAre(1), ElementsAre()));

  pairs.predictions[4] = 2;  // the second foreground is fooled on the first background too,
  pairs.predictions[8] = 0;  // and the third, into its class: that makes the first the worst
  const ChallengeStatistics changed = compute();
  EXPECT_THAT(most_adversarial_backgrounds(changed, background_labels, 2),
              ElementsAre(ElementsAre(0, 3), ElementsAre(1), ElementsAre()));
  EXPECT_THAT(most_adversarial_backgrounds(changed, background_labels, 1),
              ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre()));
}

TEST_F(StatisticsTest, OfTheWorstBackgroundsOfAForegroundTheFirstIsNamed) {
  pairs.margins = {3, -1, 2, -1, 3, 2, 2, 2, 5, 5, 5, 5};
  const ChallengeStatistics statistics = compute();
  EXPECT_EQ(statistics.foregrounds[0].worst_background, 1);
  EXPECT_EQ(statistics.foregrounds[1].worst_background, 1);
  EXPECT_EQ(statistics.foregrounds[2].worst_background, 0);
}

TEST_F(StatisticsTest, OfEquallyAdversarialBackgroundsThoseThatFoolIntoTheirClassComeFirst) {
  pairs.predictions[4] = 2;  // background 0 fools as many as background 3, but not into its class
  EXPECT_THAT(most_adversarial_backgrounds(compute(), background_labels, 2)[0], ElementsAre(3, 0));
}

}  // namespace
}  // namespace backdrop
