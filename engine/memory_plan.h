/// \file
/// Which bytes of one arena each buffer gets, so that buffers never needed at the same time share them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace backdrop {

/// A buffer that must keep its contents from step `first` to step `last`, both included.
struct BufferLifetime {
  int first = 0;
  int last = 0;
  std::size_t bytes = 0;
  int over = -1;  ///< an earlier buffer that it is written over; -1: none
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  ///< one per buffer, multiples of 64
  std::size_t bytes = 0;             ///< size of the arena
};

/// Largest buffers first, each at the lowest offset that is free during its whole lifetime.
MemoryPlan plan_memory(std::span<const BufferLifetime> buffers);

}  // namespace backdrop
