/// \file
/// What is computed once a foreground: its lists, its own features at foreground-only positions, and the
/// start sums of the mixed positions that touch them.
#pragma once

#include "core/aligned.h"
#include "engine/position_lists.h"
#include "engine/position_network.h"
#include "loaders/image.h"

namespace backdrop {

/// Immutable after construction; shared by the threads that run the foreground's backgrounds.
class ForegroundPass {
 public:
  ForegroundPass(const PositionNetwork& network, int hand_off, const Image& photo, const Mask& mask);

  const ForegroundLists& lists() const { return lists_; }
  /// The foreground's positions of a value, [position][channel].
  const std::byte* value(int v) const {
    return features_.data() + lists_.foreground_offset[v] * element_bytes_;
  }
  const std::byte* starts(int layer) const {
    return starts_.data() + lists_.starts_offset[layer] * kStartSumBytes;
  }

 private:
  static constexpr std::int64_t kStartSumBytes = 4;

  kernels::RowPointers pointers(int v) const;

  ForegroundLists lists_;
  std::int64_t element_bytes_;  // of the widest value
  AlignedBuffer features_;
  AlignedBuffer starts_;
};

}  // namespace backdrop
