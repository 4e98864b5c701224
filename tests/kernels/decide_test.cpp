#include "kernels/decide.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace backdrop::kernels {
namespace {

TEST(Decide, ArgmaxAndMargin) {
  const std::array<float, 3> logits{1.0f, 4.0f, 2.5f};
  const std::array<int, 3> identity{0, 1, 2};
  const Decision right = decide(logits.data(), 3, identity.data(), 1);
  EXPECT_EQ(right.prediction, 1);
  EXPECT_FLOAT_EQ(right.margin, 1.5f);
  const Decision wrong = decide(logits.data(), 3, identity.data(), 0);
  EXPECT_EQ(wrong.prediction, 1);
  EXPECT_FLOAT_EQ(wrong.margin, -3.0f);
}

TEST(Decide, TiesGoToTheLowestIndex) {
  const std::array<float, 4> logits{2.0f, 7.0f, 7.0f, 7.0f};
  const std::array<int, 4> identity{0, 1, 2, 3};
  EXPECT_EQ(decide(logits.data(), 4, identity.data(), 3).prediction, 1);
  EXPECT_EQ(decide(logits.data(), 4, identity.data(), 3).margin, 0.0f);
}

TEST(Decide, AllClassesOfALabelCountAsRight) {
  // Classes 0 and 3 are label 5, class 1 belongs to no label.
  const std::array<float, 4> logits{1.0f, 9.0f, 2.0f, 8.0f};
  const std::array<int, 4> map{5, -1, 2, 5};
  const Decision decision = decide(logits.data(), 4, map.data(), 5);
  EXPECT_EQ(decision.prediction, 1);
  EXPECT_FLOAT_EQ(decision.margin, -1.0f);
}

TEST(Decide, ALabelWithoutClassesIsInfinitelyWrong) {
  const std::array<float, 2> logits{1.0f, 2.0f};
  const std::array<int, 2> map{0, 1};
  EXPECT_EQ(decide(logits.data(), 2, map.data(), 7).margin, -std::numeric_limits<float>::infinity());
}

TEST(Decide, NotANumberIsReported) {
  const std::array<float, 3> logits{1.0f, std::numeric_limits<float>::quiet_NaN(), 2.0f};
  const std::array<int, 3> identity{0, 1, 2};
  EXPECT_TRUE(std::isnan(decide(logits.data(), 3, identity.data(), 2).margin));
}

}  // namespace
}  // namespace backdrop::kernels
