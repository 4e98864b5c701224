/// \file
/// How deep to cache the backgrounds' features: the layer from which every position is computed.
///
/// Caching one layer more saves the multiply-adds of its background-only positions for every composite, and
/// costs memory: fewer backgrounds fit a tile, so what is computed once a foreground and tile is spread over
/// fewer.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop {

struct HandOffChoice {
  int hand_off = 0;                      ///< the first layer whose every position is computed
  std::size_t bytes_per_background = 0;  ///< cached for each
  int tile = 0;                          ///< backgrounds that fit the memory, at most those there are
  double share = 1.0;                    ///< predicted cost of a composite, of one without reuse
};

/// Of a layer, where images are computed whole from layer `first` on.
using ImagePace = std::function<double(int first, int layer)>;

/// The cheapest hand-off for foregrounds like these `masks` (a sample will do) of `foregrounds` in all, on
/// `backgrounds` backgrounds with `memory` bytes to cache them in. `pace`, if not empty, says of a layer what
/// a position costs where whole images are computed, from the first cut behind the hand-off on
/// (engine/batch_rows.h), of its cost where only mixed ones are.
HandOffChoice choose_hand_off(const Network& network, std::span<const Mask* const> masks,
                              std::size_t foregrounds, std::size_t backgrounds, std::size_t memory,
                              const ImagePace& pace = {});

/// At most 24 of the masks, evenly spaced: enough to choose by.
std::vector<const Mask*> sample_masks(std::span<const Mask* const> masks);

/// Half of the memory that this process can have now, in bytes (core/resource_limits.h).
std::size_t default_cache_memory();

}  // namespace backdrop
