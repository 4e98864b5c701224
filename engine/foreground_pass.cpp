#include "engine/foreground_pass.h"

#include <algorithm>

namespace backdrop {

using kernels::RowPointers;
using kernels::Source;

RowPointers ForegroundPass::pointers(int v) const {
  RowPointers result;
  result.rows[static_cast<int>(Source::foreground)][0] = value(v);
  return result;
}

ForegroundPass::ForegroundPass(const PositionNetwork& network, const kernels::NormalizationTable& table,
                               int hand_off, const Image& photo, const Mask& mask)
    : lists_(make_foreground_lists(network.network(), mask, hand_off, network.rows(), network.whole())),
      // Never empty, so that pointers into them are valid even where a mask has no foreground.
      features_(sizeof(float) * std::max<std::int64_t>(16, lists_.foreground_floats)),
      starts_(sizeof(float) * std::max<std::int64_t>(16, lists_.starts_floats)) {
  float* pixel = features_.floats();
  for (std::size_t p = 0; p < mask.values.size(); ++p)
    if (mask.values[p] != 0)
      for (std::size_t c = 0; c < 3; ++c) *pixel++ = table.values[c][photo.pixels[3 * p + c]];

  const AlignedBuffer scratch(network.scratch_floats() * sizeof(float));
  for (int i = 0; i < network.layers(); ++i) {
    const Layer& layer = network.network().layers[i];
    const LayerLists& lists = lists_.layers[i];
    const RowPointers input = pointers(layer.input);
    if (!lists.starts.output.empty())
      network.run_starts(i, lists.starts, input, starts_.floats() + lists_.starts_offset[i]);
    if (lists.foreground.output.empty() && lists.foreground_tiles.outputs.empty()) continue;
    const RowPointers residual = layer.residual >= 0 ? pointers(layer.residual) : RowPointers();
    const RowPointers* added = layer.residual >= 0 ? &residual : nullptr;
    float* const output[1] = {features_.floats() + lists_.foreground_offset[i + 1]};
    if (lists.foreground.output.empty())
      network.run_tiles(i, lists.foreground_tiles, 1, input, added, output, scratch.floats());
    else
      network.run_positions(i, lists.foreground, 1, input, added, nullptr, output);
  }
}

}  // namespace backdrop
