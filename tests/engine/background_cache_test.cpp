#include "engine/background_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <numeric>

#include "backdrop/error.h"
#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

/// Bytes of this process in memory.
std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::vector<int> first_ones(int count) {
  std::vector<int> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

TEST(BackgroundCache, TakesNoMoreMemoryThanItMay) {
  constexpr std::size_t kMemory = std::size_t{64} << 20;
  ThreadPool pool(2);
  // A background takes little more than one huge page.
  const auto layers =
      make_float_network(test::random_residual_network(424, 1), 1, best_instruction_set(), pool);
  BackgroundCache cache(*layers, 0, kMemory, pool);
  cache.clear(1000);
  const std::size_t before = resident_bytes();
  cache.reserve();
  EXPECT_EQ(cache.bytes(), static_cast<std::size_t>(cache.capacity()) * cache.bytes_per_background());
  EXPECT_LE(cache.bytes(), kMemory);
  EXPECT_GT(cache.bytes() + cache.bytes_per_background(), kMemory);
  EXPECT_LE(resident_bytes() - before, kMemory + kMemory / 4);
}

TEST(BackgroundCache, AfterAFailureNothingPassesForFilled) {
  constexpr int kHandOff = 2;
  constexpr int kSize = 32;
  ThreadPool pool(2);
  const auto layers =
      make_float_network(test::random_residual_network(kSize, 2), 1, best_instruction_set(), pool);
  std::vector<Image> images;
  for (unsigned i = 0; i < 4; ++i) images.push_back(test::random_image(kSize, i));
  BackgroundCache cache(*layers, kHandOff, 1, pool);
  cache.clear(images.size());
  ASSERT_LT(cache.capacity(), static_cast<int>(images.size()));
  EXPECT_THROW(cache.make_resident(first_ones(cache.capacity() + 1), images), Error);

  BackgroundCache sound(*layers, kHandOff, 1, pool);
  sound.clear(images.size());
  const std::vector<int> some = first_ones(cache.capacity());
  cache.make_resident(some, images);
  sound.make_resident(some, images);
  for (const int background : some)
    for (int value = 0; value <= kHandOff; ++value)
      EXPECT_EQ(std::memcmp(cache.value(background, value), sound.value(background, value),
                            layers->network().shape(value).size() * sizeof(float)),
                0)
          << background << ", " << value;
}

TEST(BackgroundCache, ReservingKeepsWhatIsFilled) {
  constexpr int kSize = 32;
  ThreadPool pool(2);
  const auto layers =
      make_float_network(test::random_residual_network(kSize, 3), 1, best_instruction_set(), pool);
  const std::vector<Image> images = {test::random_image(kSize, 1), test::random_image(kSize, 2)};
  BackgroundCache cache(*layers, 1, std::size_t{1} << 30, pool);
  cache.clear(images.size());
  cache.make_resident(first_ones(1), images);
  const std::size_t bytes = layers->network().shape(1).size() * sizeof(float);
  const std::vector<std::byte> filled(cache.value(0, 1), cache.value(0, 1) + bytes);
  cache.reserve();
  EXPECT_EQ(std::memcmp(cache.value(0, 1), filled.data(), bytes), 0);
  EXPECT_EQ(cache.fills(), 1);
}

}  // namespace
}  // namespace backdrop
