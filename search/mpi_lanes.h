/// \file
/// How ranks share a wave without being told what to do. Its blocks are dealt into lanes, one a rank, so that
/// a lane's blocks lie on neighbouring backgrounds; a rank takes the blocks of its own lane, and with it
/// keeps the features of few backgrounds; then it helps where most is left. Each lane has a counter that all
/// ranks share: the fast ones take more, and none waits for an answer to ask for work.
///
/// \code
/// LaneWalk walk(ranks->counters(), deal_into_lanes(blocks, ranks->size(), engine->tile()), ranks->rank());
/// while (const auto place = walk.next()) compute(*blocks[*place]);
/// \endcode
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace backdrop {

/// For each lane a counter that hands out 0, 1, 2, ..., each number once among all that share it.
class LaneCounters {
 public:
  virtual ~LaneCounters() = default;
  virtual std::int64_t next(int lane) = 0;
  /// What `next` would hand out, by lane. It may have been handed out since.
  virtual std::vector<std::int64_t> read() = 0;
  /// The number to hand out next, in every lane. Numbers taken meanwhile may be of either count.
  virtual void set(std::int64_t next) = 0;
};

/// Shared by the threads of one process.
class LocalLaneCounters : public LaneCounters {
 public:
  explicit LocalLaneCounters(int lanes) : next_(static_cast<std::size_t>(lanes)) {}

  std::int64_t next(int lane) override { return next_[static_cast<std::size_t>(lane)].fetch_add(1); }
  std::vector<std::int64_t> read() override { return {next_.begin(), next_.end()}; }
  void set(std::int64_t next) override {
    for (auto& lane : next_) lane = next;
  }

 private:
  std::vector<std::atomic<std::int64_t>> next_;
};

/// One rank's way through a wave.
class LaneWalk {
 public:
  /// Every rank has the same `lanes`, one for each, and `counters` are at 0.
  LaneWalk(LaneCounters& counters, std::vector<std::vector<std::size_t>> lanes, int rank);

  /// The place of the next block to compute; nothing when all are taken.
  std::optional<std::size_t> next();

 private:
  std::optional<int> fullest_lane();

  LaneCounters& counters_;
  std::vector<std::vector<std::size_t>> lanes_;
  int lane_;
};

}  // namespace backdrop
