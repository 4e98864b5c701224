#include "engine/foreground_pass.h"

#include <algorithm>

#include "kernels/dot_block.h"

namespace backdrop {

using kernels::RowPointers;
using kernels::Source;

RowPointers ForegroundPass::pointers(int v) const {
  RowPointers result;
  result.rows[static_cast<int>(Source::foreground)][0] = value(v);
  return result;
}

ForegroundPass::ForegroundPass(const PositionNetwork& network, int hand_off, const Image& photo,
                               const Mask& mask)
    : lists_(make_foreground_lists(network.network(), mask, hand_off, network.rows(), network.whole())),
      element_bytes_(static_cast<std::int64_t>(
          *std::max_element(network.whole().element_bytes.begin(), network.whole().element_bytes.end()))),
      // Never empty, so that pointers into them are valid even where a mask has no foreground.
      features_(element_bytes_ * std::max<std::int64_t>(16, lists_.foreground_elements)),
      // Blocks read whole vectors, behind the last row, too.
      starts_(kStartSumBytes * (lists_.start_sums + kernels::kDotPanelColumns)) {
  network.write_pixels(photo.pixels.data(), mask.values.data(), mask.values.size(), features_.data());
  const AlignedBuffer scratch(network.scratch_bytes());
  for (int i = 0; i < network.layers(); ++i) {
    const Layer& layer = network.network().layers[i];
    const LayerLists& lists = lists_.layers[i];
    const RowPointers input = pointers(layer.input);
    if (!lists.starts.output.empty())
      network.run_starts(i, lists.starts, input, starts_.data() + lists_.starts_offset[i] * kStartSumBytes);
    if (lists.foreground.output.empty() && lists.foreground_tiles.outputs.empty()) continue;
    const RowPointers residual = layer.residual >= 0 ? pointers(layer.residual) : RowPointers();
    const RowPointers* added = layer.residual >= 0 ? &residual : nullptr;
    void* const output[1] = {features_.data() + lists_.foreground_offset[i + 1] * element_bytes_};
    if (lists.foreground.output.empty())
      network.run_tiles(i, lists.foreground_tiles, 1, input, added, output, scratch.data());
    else
      network.run_positions(i, lists.foreground, 1, input, added, nullptr, output, scratch.data());
  }
}

}  // namespace backdrop
