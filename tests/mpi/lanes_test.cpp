// Walking through lanes: every block is taken once, whoever is slow, and ranks help where most is left.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "../search/chunked_wave.h"
#include "search/block_order.h"
#include "search/mpi_lanes.h"

namespace backdrop::testing {
namespace {

TEST(Lanes, ARankHelpsWhereMostIsLeft) {
  const ChunkedWave wave(10, 3, 4);
  LocalLaneCounters counters(3);
  const auto lanes = deal_into_lanes(wave.blocks(), 3, 0);
  // Rank 1 has done most of its lane, rank 2 nothing.
  for (int i = 0; i < 8; ++i) counters.next(1);
  LaneWalk walk(counters, lanes, 0);
  for (const std::size_t place : lanes[0]) EXPECT_EQ(walk.next(), place);
  for (const std::size_t place : lanes[2]) EXPECT_EQ(walk.next(), place);
  EXPECT_EQ(walk.next(), lanes[1][8]);
  EXPECT_EQ(walk.next(), lanes[1][9]);
  EXPECT_EQ(walk.next(), std::nullopt);
  EXPECT_EQ(walk.next(), std::nullopt);
}

TEST(Lanes, NobodyTakesABlockOfACountThatWasEnded) {
  const ChunkedWave wave(10, 3, 4);
  LocalLaneCounters counters(2);
  counters.set(1'000'000);
  EXPECT_EQ(LaneWalk(counters, deal_into_lanes(wave.blocks(), 2, 0), 1).next(), std::nullopt);
}

TEST(Lanes, RanksAtOnceTakeEveryBlockOnce) {
  constexpr int kRanks = 4;
  const ChunkedWave wave(50, 6, 4);
  LocalLaneCounters counters(kRanks);
  std::vector<std::vector<std::size_t>> taken(kRanks);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < kRanks; ++rank)
    threads.emplace_back([&, rank] {
      LaneWalk walk(counters, deal_into_lanes(wave.blocks(), kRanks, 0), rank);
      while (const auto place = walk.next()) taken[static_cast<std::size_t>(rank)].push_back(*place);
    });
  for (std::thread& thread : threads) thread.join();
  std::multiset<std::size_t> places;
  for (const auto& of_rank : taken) places.insert(of_rank.begin(), of_rank.end());
  EXPECT_EQ(places.size(), wave.blocks().size());
  EXPECT_EQ(std::set<std::size_t>(places.begin(), places.end()).size(), wave.blocks().size());
}

}  // namespace
}  // namespace backdrop::testing
