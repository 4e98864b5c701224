#include "core/made_ahead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace backdrop {
namespace {

TEST(MadeAhead, ComesInOrder) {
  for (const int makers : {1, 3, 50}) {
    MadeAhead<std::size_t> squares(20, makers, [](std::size_t i) {
      std::this_thread::sleep_for(std::chrono::microseconds(i % 3 * 100));
      return i * i;
    });
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(squares.next(), i * i);
  }
  MadeAhead<int>(0, 4, [](std::size_t) -> int { throw std::logic_error("nothing is wanted"); });
}

TEST(MadeAhead, IsNoFurtherAheadThanItMay) {
  std::atomic<int> made = 0;
  MadeAhead<int> ahead(10, 2, [&](std::size_t) { return ++made; });
  for (int taken = 1; taken <= 8; ++taken) {
    ahead.next();
    EXPECT_LE(made, taken + 2);
  }
}

TEST(MadeAhead, PassesOnWhatIsThrownAndWaitsForTheOthers) {
  std::atomic<int> running = 0;
  {
    MadeAhead<int> ahead(8, 4, [&](std::size_t i) {
      ++running;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      --running;
      if (i == 1) throw std::runtime_error("of the second");
      return static_cast<int>(i);
    });
    EXPECT_EQ(ahead.next(), 0);
    EXPECT_THROW(ahead.next(), std::runtime_error);
  }
  EXPECT_EQ(running, 0);
}

}  // namespace
}  // namespace backdrop
