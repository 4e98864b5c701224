#include "engine/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "core/rounding.h"

namespace backdrop {
namespace {

constexpr std::size_t kAlignment = 64;

// What takes over another's memory becomes part of it.
std::vector<BufferLifetime> merge(std::span<const BufferLifetime> buffers, std::vector<std::size_t>& merged) {
  std::vector<BufferLifetime> result;
  for (const BufferLifetime& buffer : buffers) {
    if (buffer.over < 0) {
      merged.push_back(result.size());
      result.push_back(buffer);
      continue;
    }
    merged.push_back(merged[buffer.over]);
    BufferLifetime& whole = result[merged.back()];
    whole.last = std::max(whole.last, buffer.last);
    whole.bytes = std::max(whole.bytes, buffer.bytes);
  }
  return result;
}

bool overlap(const BufferLifetime& a, const BufferLifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

MemoryPlan plan_memory(std::span<const BufferLifetime> given) {
  std::vector<std::size_t> merged;
  const std::vector<BufferLifetime> buffers = merge(given, merged);
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });

  MemoryPlan plan;
  std::vector<std::size_t> offsets(buffers.size(), 0);
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const std::size_t bytes = round_up(buffers[index].bytes, kAlignment);
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      if (!overlap(buffers[index], buffers[other])) continue;
      if (offset + bytes <= offsets[other]) break;
      offset = std::max(offset, offsets[other] + round_up(buffers[other].bytes, kAlignment));
    }
    offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, offset + bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) { return offsets[a] < offsets[b]; }),
                  index);
  }
  for (const std::size_t buffer : merged) plan.offsets.push_back(offsets[buffer]);
  return plan;
}

}  // namespace backdrop
