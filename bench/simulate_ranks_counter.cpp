// What one number of a shared counter costs: run under mpirun, prints rank 0's mean seconds while all ranks
// count at once, each in its lane. Feeds bench/simulate_ranks.py.
#include <fmt/format.h>

#include <chrono>

#include "search/mpi_ranks.h"

int main() {
  using Clock = std::chrono::steady_clock;
  constexpr int kNumbers = 20'000;
  backdrop::Ranks* ranks = backdrop::join_ranks();
  const int lane = ranks != nullptr ? ranks->rank() : 0;
  backdrop::LocalLaneCounters alone(1);
  backdrop::LaneCounters& counters = ranks != nullptr ? ranks->counters() : alone;
  if (ranks != nullptr) ranks->from_first({});
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < kNumbers; ++i) counters.next(lane);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count() / kNumbers;
  if (ranks != nullptr) ranks->from_first({});
  if (ranks == nullptr || ranks->rank() == 0) fmt::print("{:.9f}\n", seconds);
  return backdrop::leave_ranks(0);
}
