/// \file
/// A search measured layer by layer: time, and how near each layer comes to what this machine can do.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/machine_peak.h"

namespace backdrop {

/// One layer, for one composite. `seconds` are those of the search's clock: the threads' time over their
/// number.
struct LayerProfile {
  std::string name;
  ValueShape out;
  double mixed = 0;  ///< share of the output positions that were computed
  double seconds = 0;
  double multiply_adds = 0;    ///< as done: a Winograd convolution does fewer than a direct one
  double bytes = 0;            ///< the least that it must read and write (engine/layer_traffic.h)
  double compute_share = 0;    ///< of the measured peak
  double bandwidth_share = 0;  ///< of the measured memory bandwidth; above 1 where caches hold the data
  double roofline_share =
      0;  ///< the larger of both, at most 1: the time it would need at the roof, over its own
};

/// One search. All seconds are of its clock and add up to `seconds`.
struct SearchTimes {
  bool reuse = false;
  std::string engine;  ///< the engine's description
  std::size_t foregrounds = 0;
  std::size_t backgrounds = 0;
  double seconds = 0;
  double cache_fill_seconds = 0;
  double foreground_seconds = 0;
  double layer_seconds = 0;  ///< of all layers together
  double other_seconds() const { return seconds - cache_fill_seconds - foreground_seconds - layer_seconds; }
  std::size_t composites() const { return foregrounds * backgrounds; }
  std::vector<LayerProfile> layers;
};

/// Runs every task once on a new engine with these options and measures it. `tasks` name all of
/// `backgrounds`. Throws usage if that engine has no clocks.
SearchTimes profile_search(const std::shared_ptr<const Network>& network, const ClassMap& map,
                           const EngineOptions& options, std::span<const CompositeTask> tasks,
                           const std::shared_ptr<const std::vector<Image>>& backgrounds,
                           const MachinePeak& peak);

}  // namespace backdrop
