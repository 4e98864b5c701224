/// \file
/// What engines are asked for, and when to stop.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "loaders/image.h"
#include "loaders/mask.h"

namespace backdrop {

/// The most classes that predictions can tell apart.
inline constexpr int kMostModelClasses = std::numeric_limits<std::int16_t>::max();

/// One foreground on several backgrounds: composite = background * (1 - mask) + foreground * mask.
///
/// Results are written to the arrays that are not null, one entry a background, in the order of
/// `backgrounds`.
struct CompositeTask {
  const Image* foreground = nullptr;
  const Mask* mask = nullptr;
  int label = 0;                        ///< the foreground's IN-9 class
  std::span<const int> backgrounds;     ///< indices into the resident backgrounds
  std::int16_t* predictions = nullptr;  ///< [B] the model's own class: argmax, ties to the lowest index
  float* margins = nullptr;             ///< [B] best logit mapped to `label` minus the best of all the others
  float* logits = nullptr;              ///< [B][classes]
};

/// Of each task, in their order.
inline std::vector<const Mask*> masks_of(std::span<const CompositeTask> tasks) {
  std::vector<const Mask*> masks;
  for (const CompositeTask& task : tasks) masks.push_back(task.mask);
  return masks;
}

/// Whether long work shall end; null: never.
using StopAsked = std::function<bool()>;

}  // namespace backdrop
