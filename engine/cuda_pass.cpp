#include "engine/cuda_pass.h"

#include "kernels/cuda_composite.h"

namespace backdrop {

PackedForeground::PackedForeground(const ForegroundLists& lists,
                                   const std::vector<std::shared_ptr<const PositionList>>& whole,
                                   const CompositeTask& task, std::span<const std::int32_t> task_slots) {
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const LayerLists& from = lists.layers[i];
    LayerWork& to = layers.emplace_back();
    to.shared_mixed = from.mixed == whole[i];
    if (!to.shared_mixed) to.mixed = packer.add(*from.mixed);
    to.mixed_taps = static_cast<std::int64_t>(from.mixed->taps.size());
    to.foreground = packer.add(from.foreground);
    to.starts = packer.add(from.starts);
  }
  std::vector<std::int32_t> pixels;
  for (std::size_t p = 0; p < task.mask->values.size(); ++p)
    if (task.mask->values[p] != 0) pixels.push_back(static_cast<std::int32_t>(p));
  inside_pixels = static_cast<int>(pixels.size());
  const kernels::CompositePair alone{0, -1};
  const std::vector<std::int32_t> all_labels(task_slots.size(), task.label);
  photo = packer.add(std::span<const std::uint8_t>(task.foreground->pixels));
  inside = packer.add(std::span<const std::int32_t>(pixels));
  pair = packer.add(std::span<const kernels::CompositePair>(&alone, 1));
  slots = packer.add(task_slots);
  labels = packer.add(std::span<const std::int32_t>(all_labels));
}

}  // namespace backdrop
