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
  double multiply_adds = 0;              ///< as done: a Winograd convolution does fewer than a direct one
  double tile_multiply_adds = 0;         ///< of them, by Winograd's method
  Precision products = Precision::fp32;  ///< of all but those
  Precision tile_products = Precision::fp32;  ///< of those: bf16 in int8 too
  bool split = false;          ///< fp32 `products` are six of bfloat16 each (kernels/split_block.h)
  double bytes = 0;            ///< the least that it must read and write (engine/layer_traffic.h)
  double compute_share = 0;    ///< of the measured peaks of its products; 0 where one was not measured
  double bandwidth_share = 0;  ///< of the measured memory bandwidth; above 1 where caches hold the data
  /// The larger of both, at most 1: the time it would need at the roof, over its own. Where caches hold the
  /// data the memory is no roof, and 1 no limit.
  double roofline_share = 0;

  /// 0 for a layer that took no time: on a GPU, a pool inside another layer's kernel.
  double multiply_adds_per_second() const { return seconds > 0 ? multiply_adds / seconds : 0; }
};

/// One search. All seconds are of its clock and add up to `seconds`. Below fp32, layers, cache and
/// foregrounds are the fast pass's, and calibration is left out.
struct SearchTimes {
  bool reuse = false;
  Precision precision = Precision::fp32;
  std::string engine;  ///< the engine's description
  std::size_t foregrounds = 0;
  std::size_t backgrounds = 0;
  double seconds = 0;
  double cache_fill_seconds = 0;
  double foreground_seconds = 0;
  double compositing_seconds = 0;    ///< on a GPU without reuse: pasting and normalising
  double layer_seconds = 0;          ///< of all layers together
  double decided_again_seconds = 0;  ///< of all that fp32 did: recheck and audit, with their own features
  double exact_fill_seconds = 0;     ///< of them, for features of backgrounds
  double other_seconds = 0;          ///< all that is left
  std::int64_t rechecked = 0;        ///< composites
  std::int64_t audited = 0;
  std::size_t composites() const { return foregrounds * backgrounds; }
  std::vector<LayerProfile> layers;
  std::vector<SearchTimes> runs;  ///< that the figures are medians of (engine/profile_runs.h), if so
};

/// A search to be measured, once or several times.
class ProfiledSearch {
 public:
  /// Readies a new engine of this network: below fp32 it is calibrated, and code and kernels that are made or
  /// loaded when they first run are. `tasks` name all of `backgrounds`; the engine, the network and the tasks
  /// must outlive it.
  ProfiledSearch(Engine& engine, const Network& network, std::span<const CompositeTask> tasks,
                 const std::shared_ptr<const std::vector<Image>>& backgrounds, const MachinePeak& peak);

  /// Runs every task once, with nothing cached. Memory to work in is taken as the first run needs it. On a
  /// GPU a layer's time is the device's, from the end of the layer before to its own; layers that one kernel
  /// computes share its time by their multiply-adds; and what the host does meanwhile shows only where the
  /// device waits for it, under `other_seconds`. Throws usage if the engine has no clocks.
  SearchTimes run();

  /// That of the fast pass, once the engine has chosen.
  Precision precision() const;

 private:
  Engine& engine_;
  const Network& network_;
  std::span<const CompositeTask> tasks_;
  std::size_t backgrounds_;
  MachinePeak peak_;
};

}  // namespace backdrop
