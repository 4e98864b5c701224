// By how many backgrounds foregrounds advance at once.
#include <gtest/gtest.h>

#include "search/work_plan.h"

namespace backdrop {
namespace {

PlanShape shape_of(int batch, int fill) {
  return {.foregrounds = 4050, .backgrounds = 4050, .tile = 0, .batch = batch, .fill = fill};
}

TEST(WaveStep, GrowsWithTheWaySurvivedToABatch) {
  const PlanShape cpu = shape_of(16, 32);
  const PlanShape gpu = shape_of(256, 2048);
  EXPECT_EQ(wave_step(cpu, 4050, 0), 8u);
  EXPECT_EQ(wave_step(cpu, 2000, 128), 32u);
  EXPECT_EQ(wave_step(cpu, 2000, 4000), 64u);
  EXPECT_EQ(wave_step(gpu, 4050, 0), 32u);
  EXPECT_EQ(wave_step(gpu, 2000, 128), 64u);
  EXPECT_EQ(wave_step(gpu, 2000, 512), 128u);
  EXPECT_EQ(wave_step(gpu, 2000, 3000), 256u);
}

TEST(WaveStep, FewForegroundsLeftKeepTheEngineBusy) {
  const PlanShape gpu = shape_of(256, 2048);
  for (const std::size_t standing : {1u, 3u, 10u})
    EXPECT_GE(wave_step(gpu, standing, 256) * standing, 2048u) << standing;
}

}  // namespace
}  // namespace backdrop
