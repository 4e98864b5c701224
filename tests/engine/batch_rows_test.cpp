#include "engine/batch_rows.h"

#include <gtest/gtest.h>

#include "engine/position_sets.h"
#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

// A value that every later layer can start from.
bool is_a_cut(const Network& network, int value) {
  for (int i = value; i < first_fully_connected(network); ++i)
    if (network.layers[i].input < value ||
        (network.layers[i].residual >= 0 && network.layers[i].residual < value))
      return false;
  return true;
}

TEST(BatchRows, AreDeepFromTheFirstValueBehindTheHandOffThatNoLayerReachesBack) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    for (const auto& network :
         {test::random_plain_network(17, seed), test::random_residual_network(17, seed)}) {
      const int layers = first_fully_connected(*network);
      for (int hand_off = 0; hand_off < layers; ++hand_off) {
        int expected = hand_off + 1;
        while (!is_a_cut(*network, expected)) ++expected;
        for (const auto& [shallow, deep] : {std::pair(4, 16), std::pair(6, 12), std::pair(16, 16)}) {
          const BatchRows rows = choose_batch_rows(*network, hand_off, shallow, sizeof(float));
          EXPECT_EQ(rows.cut, expected) << "hand-off " << hand_off << ", seed " << seed;
          EXPECT_EQ(rows.of_value(rows.cut - 1), shallow);
          EXPECT_EQ(rows.of_value(rows.cut), deep);
        }
      }
    }
  }
}

TEST(BatchRows, AreDeepOnlyWhereTheValuesAreSmall) {
  const auto network = test::random_plain_network(17, 1);
  const int layers = first_fully_connected(*network);
  // As if an element had a mebibyte: no value fits.
  EXPECT_EQ(choose_batch_rows(*network, 0, 4, std::size_t{1} << 20).cut, layers);
}

TEST(BatchRows, MayBeTheSameEverywhere) {
  const BatchRows rows = 5;
  EXPECT_EQ(rows.of_value(0), 5);
  EXPECT_EQ(rows.of_layer(100), 5);
}

}  // namespace
}  // namespace backdrop
