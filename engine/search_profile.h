/// \file
/// Where the time of a search goes. The engine adds to a profile while it has one; without, the only cost is
/// a test for null a layer and batch.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/clock.h"

namespace backdrop {

/// Time and work of one step, summed over all threads; on a GPU the device's time.
struct StepTime {
  std::atomic<std::int64_t> nanoseconds{0};
  std::atomic<std::int64_t> multiply_adds{0};
  std::atomic<std::int64_t> tile_multiply_adds{0};  ///< of them, by Winograd's method
};

struct SearchProfile {
  /// `count`: layers of the network.
  explicit SearchProfile(std::size_t count) : layers(count) {}

  /// Below fp32, all but the last are the fast pass's.
  std::vector<StepTime> layers;  ///< on composites: mixed positions, and the fully connected layers
  StepTime cache_fill;           ///< features of the backgrounds, once each
  StepTime foreground_pass;      ///< lists (on the CPU), features and start sums, once a foreground
  StepTime compositing;          ///< on a GPU without reuse: pasting and normalising
  StepTime exact_fill;           ///< below fp32: the second for what is decided again
};

/// Adds the time of its own life to a step; does nothing for null.
class StepTimer {
 public:
  explicit StepTimer(StepTime* step) : step_(step) {
    if (step_ != nullptr) start_ = Clock::now();
  }
  ~StepTimer() {
    if (step_ != nullptr)
      step_->nanoseconds.fetch_add(
          std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count(),
          std::memory_order_relaxed);
  }
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

 private:
  StepTime* step_;
  Clock::time_point start_;
};

}  // namespace backdrop
