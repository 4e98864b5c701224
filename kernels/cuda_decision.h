/// \file
/// The maths of the GPU's decisions, as plain functions that tests on the CPU call too.
#pragma once

#include "kernels/cuda_tile.h"

namespace backdrop::kernels {

/// What is kept of one composite's logits.
struct DeviceDecision {
  float margin = 0;  ///< as kernels::Decision
  float gap = 0;     ///< the best logit minus the second best; not a number as the margin
  std::int32_t prediction = 0;
};

inline constexpr float kInfinity = __builtin_huge_valf();

/// The best of some logits, to be merged in any order.
struct PartialDecision {
  float best = -kInfinity;
  float second = -kInfinity;
  float right = -kInfinity;
  float wrong = -kInfinity;
  std::int32_t index = INT32_MAX;
  std::int32_t not_a_number = 0;
};

BACKDROP_HOST_DEVICE float larger(float a, float b) {
  return a > b ? a : b;
}

BACKDROP_HOST_DEVICE PartialDecision merge(const PartialDecision& a, const PartialDecision& b) {
  PartialDecision merged;
  const bool first = a.best > b.best || (a.best == b.best && a.index < b.index);
  merged.best = first ? a.best : b.best;
  merged.index = first ? a.index : b.index;
  merged.second = larger(first ? b.best : a.best, larger(a.second, b.second));
  merged.right = larger(a.right, b.right);
  merged.wrong = larger(a.wrong, b.wrong);
  merged.not_a_number = a.not_a_number | b.not_a_number;
  return merged;
}

BACKDROP_HOST_DEVICE PartialDecision one_logit(float logit, int index, bool counts_as_label) {
  PartialDecision one;
  one.best = logit;
  one.index = index;
  if (counts_as_label)
    one.right = logit;
  else
    one.wrong = logit;
  one.not_a_number = logit != logit ? 1 : 0;
  return one;
}

BACKDROP_HOST_DEVICE DeviceDecision finish_decision(const PartialDecision& a) {
  DeviceDecision decision;
  if (a.not_a_number != 0) {
    decision.margin = decision.gap = __builtin_nanf("");
    return decision;
  }
  decision.prediction = a.index;
  decision.margin = a.right - a.wrong;
  decision.gap = a.best - a.second;
  return decision;
}

}  // namespace backdrop::kernels
