/// \file
/// What is computed once a foreground: its lists, its own features at foreground-only positions, and the
/// start sums of the mixed positions that touch them.
#pragma once

#include "core/aligned.h"
#include "engine/position_lists.h"
#include "engine/position_network.h"
#include "kernels/composite.h"
#include "loaders/image.h"

namespace backdrop {

/// Immutable after construction; shared by the threads that run the foreground's backgrounds.
class ForegroundPass {
 public:
  ForegroundPass(const PositionNetwork& network, const kernels::NormalizationTable& table, int hand_off,
                 const Image& photo, const Mask& mask);

  const ForegroundLists& lists() const { return lists_; }
  /// The foreground's positions of a value, [position][channel].
  const float* value(int v) const { return features_.floats() + lists_.foreground_offset[v]; }
  const float* starts(int layer) const { return starts_.floats() + lists_.starts_offset[layer]; }

 private:
  kernels::RowPointers pointers(int v) const;

  ForegroundLists lists_;
  AlignedBuffer features_;
  AlignedBuffer starts_;
};

}  // namespace backdrop
