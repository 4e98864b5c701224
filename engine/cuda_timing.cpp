#include "engine/cuda_timing.h"

#include <chrono>
#include <cmath>

#include "core/clock.h"

namespace backdrop {
namespace {

constexpr int kTimedRuns = 3;
constexpr double kLaunch = 1.0;  // milliseconds
constexpr std::chrono::milliseconds kWarmUp{30};

float between(const CudaEvent& from, CudaEvent& to) {
  to.synchronize();
  float elapsed = 0;
  check_cuda(cudaEventElapsedTime(&elapsed, from, to), "timing a layer");
  return elapsed;
}

}  // namespace

double milliseconds(const CudaStream& stream, const std::function<void()>& run, double most) {
  CudaEvent start(cudaEventDefault);
  CudaEvent warm(cudaEventDefault);
  CudaEvent end(cudaEventDefault);
  start.record(stream);
  run();
  if (std::isfinite(most)) {
    warm.record(stream);
    if (between(start, warm) > kTimedRuns * most + kLaunch) return std::numeric_limits<double>::infinity();
    run();  // the device was idle meanwhile, and would be again until the next run is enqueued
  }
  warm.record(stream);
  for (int i = 0; i < kTimedRuns; ++i) run();
  end.record(stream);
  return static_cast<double>(between(warm, end)) / kTimedRuns;
}

void warm_up(const CudaStream& stream, const std::function<void()>& run) {
  const auto end = Clock::now() + kWarmUp;
  do {
    run();
    stream.synchronize();
  } while (Clock::now() < end);
}

}  // namespace backdrop
