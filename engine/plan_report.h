/// \file
/// What exact reuse will do for a set of foregrounds, layer by layer, before anything is run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/hand_off.h"
#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop {

/// One layer before the fully connected ones; means over the masks, for one composite unless said otherwise.
struct LayerPlan {
  std::string name;
  ValueShape out;
  double mixed = 0;                      ///< share of the output positions computed for each background
  double background = 0;                 ///< share taken from the background's cached features
  double foreground = 0;                 ///< share taken from the foreground's own features
  std::int64_t whole_multiply_adds = 0;  ///< without reuse; taps outside the image cost nothing
  double multiply_adds = 0;              ///< with reuse
  double foreground_multiply_adds = 0;   ///< once a foreground and tile: foreground-only positions and taps
  std::int64_t cached_bytes = 0;  ///< of this layer's output, for each background; 0 after the hand-off
};

struct PlanReport {
  std::vector<LayerPlan> layers;
  HandOffChoice choice;
  std::size_t foregrounds = 0;
  std::size_t backgrounds = 0;
  std::int64_t tiles = 0;            ///< each background's features are computed once, in its tile
  std::int64_t fully_connected = 0;  ///< multiply-adds of the layers that reuse does not touch
  double multiply_adds_share = 1;    ///< of all layers, with reuse over without
  double written_share = 1;          ///< of the activations written

  double multiply_adds() const;
  std::int64_t whole_multiply_adds() const;
};

/// The plan for foregrounds with these masks on `backgrounds` backgrounds with `memory` bytes of cache. All
/// masks are analysed; the hand-off is chosen as the engine chooses it.
PlanReport report_plan(const Network& network, std::span<const Mask* const> masks, std::size_t backgrounds,
                       std::size_t memory);

}  // namespace backdrop
