/// \file
/// What has happened before what, among the warps of the blocks that run at the same time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace backdrop::ptx {

inline constexpr int kMostBlocks = 4;  // of a cluster
inline constexpr int kMostWarps = 32;  // of a block
/// Of a block's, whose copies write by themselves.
inline constexpr int kMostMbarriers = 30;
/// Of a block: its warps, its mbarriers, and two numbers that stand for something else.
inline constexpr int kAgents = 64;

inline int agent_of(int rank, int number) {
  return rank * kAgents + number;
}

/// Up to which time of each agent all is over.
using Clock = std::array<std::uint32_t, std::size_t{kMostBlocks} * kAgents>;

void join(Clock& clock, const Clock& other);

/// Each agent has a time of its own, which goes on when others can learn of what it did, and each warp knows
/// a Clock: what it did itself, and what those knew whom it heard of through mbarriers and barriers.
class Order {
 public:
  /// For the next blocks, of so many warps each: all that was is over. Unless it `tracks`, nobody hears of
  /// anybody.
  void begin(int blocks, int warps, bool tracks);
  bool tracks() const { return tracks_; }

  std::uint32_t time(int agent) const { return times_[agent]; }
  /// Returns the time that is over.
  std::uint32_t step(int agent) { return times_[agent]++; }
  /// Whether the warp knows that what another agent did then is over.
  bool knows(int warp, int other, std::uint32_t time) const { return tracks_ && known_[warp][other] >= time; }

  /// What the warp knows and did so far.
  Clock release(int warp);
  void acquire(int warp, const Clock& clock);
  /// What the warp's relaxed operations tell others: all up to its last fence.
  void fence(int warp) { fenced_[warp] = release(warp); }
  const Clock& fenced(int warp) const { return fenced_[warp]; }
  /// All warps of a block come to its barrier.
  void meet(int rank);

 private:
  int warps_ = 0;
  bool tracks_ = false;
  Clock times_ = {};
  std::vector<Clock> known_;   // by warp
  std::vector<Clock> fenced_;  // likewise
};

}  // namespace backdrop::ptx
