#include "tests/ptx/order.h"

#include <algorithm>

namespace backdrop::ptx {

void join(Clock& clock, const Clock& other) {
  for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], other[i]);
}

void Order::begin(int blocks, int warps, bool tracks) {
  warps_ = warps;
  tracks_ = tracks;
  const std::uint32_t now = *std::max_element(times_.begin(), times_.end()) + 1;
  times_.fill(now);
  if (!tracks) return;
  known_.resize(times_.size());
  fenced_.resize(times_.size());
  for (int rank = 0; rank < blocks; ++rank)
    for (int warp = 0; warp < warps_; ++warp) {
      known_[agent_of(rank, warp)].fill(now - 1);
      fenced_[agent_of(rank, warp)].fill(now - 1);
    }
}

Clock Order::release(int warp) {
  known_[warp][warp] = step(warp);
  return known_[warp];
}

void Order::acquire(int warp, const Clock& clock) {
  join(known_[warp], clock);
}

void Order::meet(int rank) {
  Clock all = {};
  for (int warp = 0; warp < warps_; ++warp) {
    Clock& known = known_[agent_of(rank, warp)];
    known[agent_of(rank, warp)] = step(agent_of(rank, warp));
    join(all, known);
  }
  for (int warp = 0; warp < warps_; ++warp) known_[agent_of(rank, warp)] = all;
}

}  // namespace backdrop::ptx
