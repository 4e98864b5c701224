// The order of blocks: each once, neighbouring backgrounds together, lanes even.
#include "search/block_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "chunked_wave.h"

namespace backdrop::testing {
namespace {

TEST(BlockOrder, HoldsEveryBlockOnce) {
  for (const int foregrounds : {0, 1, 7})
    for (const int chunks : {1, 2, 5})
      for (const int lanes : {1, 2, 3, 8, 100})
        for (const int resident : {0, 1, 6, 1000}) {
          const ChunkedWave wave(foregrounds, chunks, 4);
          const auto dealt = deal_into_lanes(wave.blocks(), lanes, resident);
          ASSERT_EQ(dealt.size(), static_cast<std::size_t>(lanes));
          std::multiset<std::size_t> places;
          for (const auto& lane : dealt) places.insert(lane.begin(), lane.end());
          EXPECT_EQ(places.size(), wave.blocks().size());
          EXPECT_EQ(std::set<std::size_t>(places.begin(), places.end()).size(), wave.blocks().size());
        }
}

TEST(BlockOrder, LanesAreEvenAndOnNeighbouringBackgrounds) {
  const ChunkedWave wave(30, 8, 16);
  for (const auto& lane : deal_into_lanes(wave.blocks(), 4, 0)) {
    EXPECT_EQ(lane.size(), 60u);
    EXPECT_TRUE(std::is_sorted(lane.begin(), lane.end()));
    std::set<int> chunks;
    for (const std::size_t place : lane) chunks.insert(wave.blocks()[place]->pieces[0].backgrounds[0]);
    EXPECT_EQ(chunks.size(), 2u);
  }
}

TEST(BlockOrder, IsThePlansWhereEverythingIsKept) {
  const ChunkedWave wave(5, 8, 16);
  for (const int resident : {0, 128, 1000}) {
    const auto lanes = deal_into_lanes(wave.blocks(), 1, resident);
    const auto& order = lanes.front();
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  }
}

TEST(BlockOrder, GoesPartByPartWhereLessIsKept) {
  const ChunkedWave wave(30, 8, 16);
  const auto lanes = deal_into_lanes(wave.blocks(), 1, 32);
  const auto& order = lanes.front();
  int changes = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const auto part = [&](std::size_t place) {
      return wave.blocks()[order[place]]->pieces[0].backgrounds[0] / 32;
    };
    changes += part(i) != part(i - 1);
  }
  EXPECT_EQ(changes, 3);  // four parts of 32 backgrounds, each visited once
}

}  // namespace
}  // namespace backdrop::testing
