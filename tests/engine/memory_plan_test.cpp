#include "engine/memory_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace backdrop {
namespace {

TEST(MemoryPlan, BuffersAliveTogetherNeverShareBytes) {
  std::mt19937 generator(1);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<BufferLifetime> buffers;
    std::size_t sum = 0;
    for (int i = 0; i < 30; ++i) {
      const int first = static_cast<int>(generator() % 20);
      buffers.push_back({first, first + static_cast<int>(generator() % 6), generator() % 5000});
      sum += buffers.back().bytes + 64;
    }
    const MemoryPlan plan = plan_memory(buffers);
    EXPECT_LE(plan.bytes, sum);
    for (std::size_t a = 0; a < buffers.size(); ++a) {
      EXPECT_EQ(plan.offsets[a] % 64, 0u);
      EXPECT_LE(plan.offsets[a] + buffers[a].bytes, plan.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        if (buffers[a].first > buffers[b].last || buffers[b].first > buffers[a].last) continue;
        const bool apart = plan.offsets[a] + buffers[a].bytes <= plan.offsets[b] ||
                           plan.offsets[b] + buffers[b].bytes <= plan.offsets[a];
        EXPECT_TRUE(apart) << a << " and " << b;
      }
    }
  }
}

TEST(MemoryPlan, AChainNeedsTwoBuffers) {
  const std::vector<BufferLifetime> chain{{0, 1, 640}, {1, 2, 640}, {2, 3, 640}, {3, 4, 640}};
  EXPECT_EQ(plan_memory(chain).bytes, 1280u);
}

TEST(MemoryPlan, WhatIsWrittenOverAnotherSharesItsBytes) {
  const std::vector<BufferLifetime> buffers{
      {0, 2, 640}, {1, 1, 64}, {2, 4, 960, 0}, {3, 4, 640}, {4, 6, 128, 2}};
  const MemoryPlan plan = plan_memory(buffers);
  EXPECT_EQ(plan.offsets[2], plan.offsets[0]);
  EXPECT_EQ(plan.offsets[4], plan.offsets[0]);
  EXPECT_GE(plan.offsets[1], 960u);
  EXPECT_EQ(plan.bytes, 1600u);
}

}  // namespace
}  // namespace backdrop
