/// \file
/// Which positions of each value a new background changes: the analysis behind exact reuse.
///
/// For a fixed foreground the mask alone decides, at every layer, whether a position is the background's own
/// feature (its receptive field misses the mask), the foreground's own (it lies inside the mask) or mixed.
/// Zero padding belongs to neither.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/position_work.h"
#include "kernels/winograd.h"
#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop {

/// `kinds[v][y * width + x]` for every value v of the network.
struct PositionSets {
  std::vector<std::vector<kernels::Source>> kinds;

  std::int64_t count(int value, kernels::Source kind) const;
};

/// The layer index of the first fully connected layer: the layers before it work on positions.
int first_fully_connected(const Network& network);

/// Calls `visit(tap, position)` for every input position inside the image that the window of `layer` covers
/// at output position `output`; `tap` is ky * kernel + kx (an average pool covers all).
template <class Visit>
void for_each_tap(const Layer& layer, int output, const Visit& visit) {
  if (layer.kind == LayerKind::average_pool) {
    const int positions = layer.in.height * layer.in.width;
    for (int p = 0; p < positions; ++p) visit(p, p);
    return;
  }
  const int y0 = output / layer.out.width * layer.stride - layer.padding;
  const int x0 = output % layer.out.width * layer.stride - layer.padding;
  for (int ky = 0; ky < layer.kernel; ++ky) {
    const int y = y0 + ky;
    if (y < 0 || y >= layer.in.height) continue;
    for (int kx = 0; kx < layer.kernel; ++kx) {
      const int x = x0 + kx;
      if (x >= 0 && x < layer.in.width) visit(ky * layer.kernel + kx, y * layer.in.width + x);
    }
  }
}

/// Walks the layers before the first fully connected one. From layer `hand_off` on every output position
/// counts as mixed. `mask` has the network's input size.
PositionSets find_position_sets(const Network& network, const Mask& mask, int hand_off);

/// The sets without reuse: every position of every layer is mixed, and the input is the background's.
PositionSets all_mixed(const Network& network);

using kernels::kTile;

/// Whether a layer has the form that Winograd's convolution takes, with enough channels to be worth it.
bool can_tile(const Layer& layer);

/// Whether the aligned tile whose first output is (y0, x0) holds a position of `kind`. `kinds` are the
/// layer's outputs.
bool tile_holds(const Layer& layer, const std::vector<kernels::Source>& kinds, kernels::Source kind, int y0,
                int x0);

/// The number of such tiles.
std::int64_t count_tiles(const Layer& layer, const std::vector<kernels::Source>& kinds, kernels::Source kind);

/// In fp32 a product of a tile costs half as much again as a direct one, transforms included.
inline constexpr double kTileEffort = 1.5;

/// What one composite costs under these sets.
struct PositionCost {
  std::int64_t multiply_adds = 0;             ///< for each background: taps that are not foreground-only
  std::int64_t tile_multiply_adds = 0;        ///< the same by Winograd's method; 0 where it cannot be used
  std::int64_t start_multiply_adds = 0;       ///< once a foreground: foreground taps of mixed positions
  std::int64_t foreground_multiply_adds = 0;  ///< once a foreground: foreground-only positions
  std::int64_t mixed_positions = 0;
  std::int64_t written = 0;  ///< floats written for each background

  /// Whether the tiles are cheaper, where one of their products costs `effort` direct ones.
  bool tiled(double effort = kTileEffort) const {
    return tile_multiply_adds > 0 &&
           effort * static_cast<double>(tile_multiply_adds) < static_cast<double>(multiply_adds);
  }
  /// What the CPU does for each background.
  std::int64_t products() const { return tiled() ? tile_multiply_adds : multiply_adds; }
  /// The same in multiply-adds of the direct method.
  double effort() const {
    return tiled() ? kTileEffort * static_cast<double>(tile_multiply_adds)
                   : static_cast<double>(multiply_adds);
  }
};

/// The cost of layer `index` (its index in network.layers). Taps outside the image cost nothing.
PositionCost cost_of_layer(const Network& network, const PositionSets& sets, int index);

}  // namespace backdrop
