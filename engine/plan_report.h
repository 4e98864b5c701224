/// \file
/// What exact reuse will do for a set of foregrounds, layer by layer, before anything is run.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/hand_off.h"
#include "kernels/precision.h"
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

/// What the CPU caches. Below fp32 each background has its features twice: in the precision, and in fp32 for
/// what is decided again.
struct CachePlan {
  std::size_t bytes_per_background = 0;        ///< in the precision
  std::size_t exact_bytes_per_background = 0;  ///< beside them in fp32; 0 where that is the precision
  int tile = 0;                                ///< backgrounds that fit the memory, at most those there are
};

struct PlanReport {
  std::vector<LayerPlan> layers;
  HandOffChoice choice;  ///< by fp32's costs, whatever the precision
  Precision precision = Precision::fp32;
  CachePlan cache;
  /// The same if int8's run finds that it needs sums in bfloat16 (stored_values.h); nothing where it cannot.
  std::optional<CachePlan> cache_with_sums;
  std::size_t foregrounds = 0;
  std::size_t backgrounds = 0;
  std::int64_t tiles = 0;            ///< each background's features are computed once, in its tile
  std::int64_t fully_connected = 0;  ///< multiply-adds of the layers that reuse does not touch
  double multiply_adds_share = 1;    ///< of all layers, with reuse over without
  double written_share = 1;          ///< of the activations written

  double multiply_adds() const;
  std::int64_t whole_multiply_adds() const;
};

/// The plan for foregrounds with these masks on `backgrounds` backgrounds with `memory` bytes of cache, in a
/// precision of the CPU's, whether or not this one has it. All masks are analysed; the hand-off is chosen as
/// the engine chooses it.
PlanReport report_plan(const Network& network, std::span<const Mask* const> masks, std::size_t backgrounds,
                       std::size_t memory, Precision precision = Precision::fp32);

}  // namespace backdrop
