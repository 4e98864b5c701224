#include "search/mpi_lanes.h"

#include <utility>

namespace backdrop {
LaneWalk::LaneWalk(LaneCounters& counters, std::vector<std::vector<std::size_t>> lanes, int rank)
    : counters_(counters), lanes_(std::move(lanes)), lane_(rank) {}

std::optional<std::size_t> LaneWalk::next() {
  for (;;) {
    const std::int64_t number = counters_.next(lane_);
    const auto& lane = lanes_[static_cast<std::size_t>(lane_)];
    if (number < static_cast<std::int64_t>(lane.size())) return lane[static_cast<std::size_t>(number)];
    const std::optional<int> fullest = fullest_lane();
    if (!fullest) return std::nullopt;
    lane_ = *fullest;
  }
}

/// All counters at once: asking a thousand lanes one by one would keep a thousand ranks waiting.
std::optional<int> LaneWalk::fullest_lane() {
  const std::vector<std::int64_t> taken = counters_.read();
  std::optional<int> fullest;
  std::int64_t most = 0;
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    const std::int64_t left = static_cast<std::int64_t>(lanes_[lane].size()) - taken[lane];
    if (left <= most) continue;
    most = left;
    fullest = static_cast<int>(lane);
  }
  return fullest;
}

}  // namespace backdrop
