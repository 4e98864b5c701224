#include "engine/position_sets.h"

#include <algorithm>

#include "engine/layer_shapes.h"
#include "engine/tile_cover.h"

namespace backdrop {
namespace {

using kernels::Source;

constexpr int kFewestTiledChannels = 16;

// What a position that reads two others of these kinds is.
Source join(Source a, Source b) {
  return a == b ? a : Source::mixed;
}

Source kind_of_output(const Layer& layer, const std::vector<Source>& input, int output) {
  bool first = true;
  Source kind = Source::mixed;
  for_each_tap(layer, output, [&](int, int position) {
    kind = first ? input[position] : join(kind, input[position]);
    first = false;
  });
  return kind;
}

}  // namespace

std::int64_t PositionSets::count(int value, Source kind) const {
  return std::count(kinds[value].begin(), kinds[value].end(), kind);
}

int first_fully_connected(const Network& network) {
  const auto found = std::find_if(network.layers.begin(), network.layers.end(), [](const Layer& layer) {
    return layer.kind == LayerKind::fully_connected;
  });
  return static_cast<int>(found - network.layers.begin());
}

PositionSets find_position_sets(const Network& network, const Mask& mask, int hand_off) {
  const int layers = first_fully_connected(network);
  PositionSets sets;
  sets.kinds.resize(layers + 1);
  for (const std::uint8_t inside : mask.values)
    sets.kinds[0].push_back(inside != 0 ? Source::foreground : Source::background);
  for (int i = 0; i < layers; ++i) {
    const Layer& layer = network.layers[i];
    const int positions = layer.out.height * layer.out.width;
    std::vector<Source>& kinds = sets.kinds[i + 1];
    kinds.assign(positions, Source::mixed);
    if (i >= hand_off) continue;
    for (int p = 0; p < positions; ++p) {
      kinds[p] = kind_of_output(layer, sets.kinds[layer.input], p);
      if (layer.residual >= 0) kinds[p] = join(kinds[p], sets.kinds[layer.residual][p]);
    }
  }
  return sets;
}

PositionSets all_mixed(const Network& network) {
  const std::size_t positions = std::size_t(network.input.height) * network.input.width;
  const Mask empty{network.input.height, network.input.width, std::vector<std::uint8_t>(positions, 0)};
  return find_position_sets(network, empty, 0);
}

bool can_tile(const Layer& layer) {
  return layer.kind == LayerKind::convolution &&
         kernels::WinogradConvolution::applies(convolution_shape(layer)) &&
         layer.in.channels >= kFewestTiledChannels && layer.out.channels >= kFewestTiledChannels;
}

bool tile_holds(const Layer& layer, const std::vector<Source>& kinds, Source kind, int y0, int x0) {
  for (int y = y0; y < std::min(y0 + kTile, layer.out.height); ++y)
    for (int x = x0; x < std::min(x0 + kTile, layer.out.width); ++x)
      if (kinds[std::size_t(y) * layer.out.width + x] == kind) return true;
  return false;
}

std::int64_t count_tiles(const Layer& layer, const std::vector<Source>& kinds, Source kind) {
  std::int64_t tiles = 0;
  for (int y0 = 0; y0 < layer.out.height; y0 += kTile)
    for (int x0 = 0; x0 < layer.out.width; x0 += kTile)
      tiles += tile_holds(layer, kinds, kind, y0, x0) ? 1 : 0;
  return tiles;
}

PositionCost cost_of_layer(const Network& network, const PositionSets& sets, int index) {
  const Layer& layer = network.layers[index];
  const std::vector<Source>& input = sets.kinds[layer.input];
  const std::vector<Source>& output = sets.kinds[index + 1];
  const std::int64_t per_tap = layer.kind == LayerKind::convolution
                                   ? std::int64_t{layer.in.channels} / layer.groups * layer.out.channels
                                   : 0;
  PositionCost cost;
  for (int p = 0; p < static_cast<int>(output.size()); ++p) {
    if (output[p] == Source::background) continue;
    std::int64_t foreground = 0;
    std::int64_t others = 0;
    for_each_tap(layer, p,
                 [&](int, int position) { ++(input[position] == Source::foreground ? foreground : others); });
    if (output[p] == Source::foreground) {
      cost.foreground_multiply_adds += foreground * per_tap;
      continue;
    }
    cost.start_multiply_adds += foreground * per_tap;
    cost.multiply_adds += others * per_tap;
    ++cost.mixed_positions;
  }
  cost.written = cost.mixed_positions * layer.out.channels;
  if (can_tile(layer))
    cost.tile_multiply_adds =
        std::ssize(cover_with_tiles(layer, output, Source::mixed)) * kernels::kTilePoints * per_tap;
  return cost;
}

}  // namespace backdrop
