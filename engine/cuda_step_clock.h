/// \file
/// Where a search's time on the GPU goes: events between the steps that one stream takes.
#pragma once

#include <deque>
#include <span>
#include <vector>

#include "engine/cuda_stream.h"
#include "engine/search_profile.h"

namespace backdrop {

/// Adds the device's time of each step to a profile, from the end of the step before to its own. Does nothing
/// while it has no profile.
class CudaStepClock {
 public:
  /// Takes a profile, or, for null, no more. What was not collected is forgotten.
  void set_profile(SearchProfile* profile);

  bool has_profile() const { return profile_ != nullptr; }
  /// What is enqueued from here on is timed.
  void start(cudaStream_t stream);
  /// All that was enqueued since the last call was this step.
  void lap(StepTime SearchProfile::*step, cudaStream_t stream);
  void lap_layer(int layer, std::int64_t multiply_adds, cudaStream_t stream);
  /// The same for a kernel that computed several layers from `first` on: they share its time by their
  /// multiply-adds.
  void lap_layers(int first, std::span<const std::int64_t> multiply_adds, cudaStream_t stream);

  /// Waits for the steps and adds their times.
  void collect();

 private:
  struct Share {
    StepTime* step;
    double part;
  };
  struct Lap {
    std::vector<Share> shares;  // none: what lies between two steps
  };

  void record(Lap lap, cudaStream_t stream);

  SearchProfile* profile_ = nullptr;
  std::deque<CudaEvent> events_;  // used from the front, made when needed
  std::vector<Lap> laps_;         // lap i ends with event i
};

}  // namespace backdrop
