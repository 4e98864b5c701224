#include "engine/cuda_step_clock.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace backdrop {
namespace {

constexpr std::size_t kMostLaps = 4096;

}  // namespace

void CudaStepClock::set_profile(SearchProfile* profile) {
  profile_ = profile;
  laps_.clear();
}

void CudaStepClock::record(Lap lap, cudaStream_t stream) {
  if (profile_ == nullptr) return;
  if (laps_.size() == events_.size()) events_.emplace_back(cudaEventDefault);
  events_[laps_.size()].record(stream);
  laps_.push_back(std::move(lap));
}

void CudaStepClock::start(cudaStream_t stream) {
  // Between two starts: waiting within steps would count as theirs.
  if (laps_.size() >= kMostLaps) collect();
  record({}, stream);
}

void CudaStepClock::lap(StepTime SearchProfile::*step, cudaStream_t stream) {
  if (profile_ != nullptr) record({{{&(profile_->*step), 1.0}}}, stream);
}

void CudaStepClock::lap_layer(int layer, std::int64_t multiply_adds, cudaStream_t stream) {
  lap_layers(layer, std::span(&multiply_adds, 1), stream);
}

void CudaStepClock::lap_layers(int first, std::span<const std::int64_t> multiply_adds, cudaStream_t stream) {
  if (profile_ == nullptr) return;
  const auto all = static_cast<double>(std::max<std::int64_t>(
      1, std::accumulate(multiply_adds.begin(), multiply_adds.end(), std::int64_t{0})));
  Lap lap;
  for (std::size_t i = 0; i < multiply_adds.size(); ++i) {
    StepTime& step = profile_->layers[first + i];
    step.multiply_adds += multiply_adds[i];
    lap.shares.push_back(
        {&step, multiply_adds.size() == 1 ? 1.0 : static_cast<double>(multiply_adds[i]) / all});
  }
  record(std::move(lap), stream);
}

void CudaStepClock::collect() {
  if (laps_.empty()) return;
  events_[laps_.size() - 1].synchronize();
  for (std::size_t i = 1; i < laps_.size(); ++i) {
    if (laps_[i].shares.empty()) continue;
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, events_[i - 1], events_[i]), "timing a step");
    for (const Share& share : laps_[i].shares)
      share.step->nanoseconds += std::llround(1e6 * milliseconds * share.part);
  }
  laps_.clear();
}

}  // namespace backdrop
