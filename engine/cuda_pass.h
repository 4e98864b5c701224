/// \file
/// One foreground on its way through the GPU: its lists, its own features and its results.
#pragma once

#include <vector>

#include "engine/composite_task.h"
#include "engine/cuda_layers.h"
#include "engine/cuda_tail.h"
#include "engine/position_lists.h"

namespace backdrop {

/// The lists of one foreground and what else is sent with them, in one block of memory. The CPU makes it.
struct PackedForeground {
  /// `whole[i]` marks the layers whose mixed list is already on the device.
  PackedForeground(const ForegroundLists& lists,
                   const std::vector<std::shared_ptr<const PositionList>>& whole, const CompositeTask& task,
                   std::span<const std::int32_t> slots);

  struct LayerWork {
    bool shared_mixed = false;
    PackedWork mixed;
    PackedWork foreground;
    PackedWork starts;
    std::int64_t mixed_taps = 0;
  };

  ListPacker packer;
  std::vector<LayerWork> layers;
  std::size_t photo = 0;
  std::size_t inside = 0;  ///< the mask's pixels, in order
  std::size_t pair = 0;
  std::size_t slots = 0;   ///< of the task's backgrounds, in the cache
  std::size_t labels = 0;  ///< the task's label, for each background
  int inside_pixels = 0;
};

}  // namespace backdrop
