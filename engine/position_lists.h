/// \file
/// The lists that the position kernels take, built from the mask once a foreground (and once a network for
/// the layers where every position is computed).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/rounding.h"
#include "engine/batch_rows.h"
#include "engine/memory_plan.h"
#include "engine/position_sets.h"
#include "engine/tile_list.h"
#include "kernels/position_work.h"
#include "models/network.h"

namespace backdrop {

/// So many elements and what fills their last 16 bytes, however wide they are: the next value's place.
constexpr std::int64_t whole_chunks(std::int64_t elements) {
  return round_up(elements, 16);
}

/// From one row of a layer's start sums to the next: whole vectors.
inline int start_stride(const Layer& layer) {
  return round_up(layer.out.channels, 16);
}

/// One layer's list, owning what PositionWork points to.
struct PositionList {
  std::vector<std::int32_t> output;
  std::vector<std::int32_t> first_tap{0};
  std::vector<kernels::Tap> taps;
  std::vector<std::int32_t> start;
  std::vector<kernels::Tap> residual;

  kernels::PositionWork work() const { return {output, first_tap, taps, start, residual}; }
};

/// How a value's mixed positions lie in memory, for batches of `rows` backgrounds: [position][row][channel],
/// or [row][position][channel] for the value that the fully connected layers read, and for whole images.
struct MixedLayout {
  std::int64_t position_stride = 0;
  std::int64_t row_stride = 0;
};

MixedLayout mixed_layout(const Network& network, int value, const BatchRows& rows);

/// Of a stored value; in `element_bytes` are those of all, or nothing: floats.
inline std::size_t element_bytes_of(std::span<const std::size_t> element_bytes, int value) {
  return element_bytes.empty() ? sizeof(float) : element_bytes[value];
}

/// Where the values of a deep batch lie, of so many bytes an element each: those behind the cut and before
/// the fully connected layers.
MemoryPlan plan_deep_values(const Network& network, const BatchRows& rows,
                            std::span<const std::size_t> element_bytes);

/// Lists that compute every position of a layer from inputs that are all of one kind: mixed (after the
/// hand-off), or background (to fill the cache).
PositionList whole_layer_list(const Network& network, int index, kernels::Source kind, const BatchRows& rows);

/// The same as tiles; null where the layer cannot be tiled.
std::shared_ptr<const TileList> whole_tile_list(const Network& network, int index, kernels::Source kind,
                                                const BatchRows& rows);

/// One foreground's lists for one layer.
struct LayerLists {
  std::shared_ptr<const PositionList> mixed;  ///< for each background, unless it is
  std::shared_ptr<const TileList> tiles;      ///< done by tiles
  PositionList foreground;                    ///< once: foreground-only positions, unless they are
  TileList foreground_tiles;                  ///< done by tiles
  PositionList starts;                        ///< once: sums over the foreground taps of mixed positions
};

/// One foreground's lists for all layers, and where its values lie.
struct ForegroundLists {
  PositionSets sets;
  std::vector<LayerLists> layers;               ///< before the first fully connected one
  MemoryPlan mixed;                             ///< each shallow value's mixed positions, in a batch's arena
  std::vector<std::int64_t> foreground_offset;  ///< of each value's foreground positions, in elements
  std::int64_t foreground_elements = 0;
  std::vector<std::int64_t> starts_offset;  ///< of each layer's start sums, in sums
  std::int64_t start_sums = 0;
};

/// What all foregrounds share: whole_layer_list() and, for a device that has Winograd's convolution,
/// whole_tile_list() of every layer, of mixed inputs.
struct WholeLists {
  std::vector<std::shared_ptr<const PositionList>> positions;
  std::vector<std::shared_ptr<const TileList>> tiles;  ///< empty: no tiles anywhere; null: not at this layer
  double tile_effort = kTileEffort;                    ///< when tiles are worth it, see PositionCost
  std::vector<std::size_t> element_bytes;              ///< of each stored value; empty: floats
};

/// From the mask alone: `hand_off` is the first layer whose every position is computed.
ForegroundLists make_foreground_lists(const Network& network, const Mask& mask, int hand_off,
                                      const BatchRows& rows, const WholeLists& whole);

}  // namespace backdrop
