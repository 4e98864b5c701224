/// \file
/// fp32's answer from a faster precision: which decisions are too close to trust.
///
/// If every logit of the fast precision is within e of fp32's, the predicted class is fp32's wherever the
/// best logit leads the second by more than 2 e. The error is measured on a sample of the run's own
/// composites, and doubled and multiplied by a safety factor; what leads by less is computed again in fp32.
#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "kernels/cuda_parts.h"

namespace backdrop {

inline constexpr std::size_t kRecheckSample = 64;
inline constexpr float kRecheckSafety = 4.0f;

/// One background of one task.
struct CompositePlace {
  std::size_t task = 0;
  std::size_t place = 0;
};

/// So many composites of the tasks, drawn by a fixed seed, in rising order of task (fewer if there are
/// fewer).
inline std::vector<CompositePlace> sample_composites(std::span<const CompositeTask> tasks,
                                                     std::size_t count) {
  std::vector<std::size_t> drawable;
  for (std::size_t t = 0; t < tasks.size(); ++t)
    if (!tasks[t].backgrounds.empty()) drawable.push_back(t);
  std::vector<CompositePlace> sample;
  std::mt19937 generator(1);
  for (std::size_t i = 0; i < count && !drawable.empty(); ++i) {
    const std::size_t task = drawable[i * drawable.size() / count];
    sample.push_back({task, generator() % tasks[task].backgrounds.size()});
  }
  return sample;
}

/// The lead below which a decision is computed again, from logits of the same composites in both precisions.
/// Infinite where the fast logits are not finite: then everything is.
inline float recheck_bound(std::span<const float> fast, std::span<const float> exact) {
  float error = 0;
  for (std::size_t i = 0; i < fast.size(); ++i) {
    const float difference = std::abs(fast[i] - exact[i]);
    if (!(difference <= error)) error = difference;
    if (!std::isfinite(error)) return INFINITY;
  }
  return 2 * kRecheckSafety * error;
}

/// Also true for leads that are not finite: an overflow of the fast precision.
inline bool needs_recheck(const kernels::DeviceDecision& decision, float bound) {
  return !(decision.gap > bound) || !std::isfinite(decision.gap);
}

}  // namespace backdrop
