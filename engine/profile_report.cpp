#include "engine/profile_report.h"

#include <algorithm>

#include "backdrop/error.h"
#include "engine/batch_rows.h"
#include "engine/hand_off.h"
#include "engine/layer_traffic.h"
#include "engine/position_sets.h"
#include "engine/search_profile.h"

namespace backdrop {
namespace {

using Clock = std::chrono::steady_clock;
using kernels::Source;

constexpr int kFullyConnectedBatch = 32;

std::vector<const Mask*> masks_of(std::span<const CompositeTask> tasks) {
  std::vector<const Mask*> masks;
  for (const CompositeTask& task : tasks) masks.push_back(task.mask);
  return masks;
}

// What the layers had to do, means over the masks: shares of mixed positions and least traffic.
void add_work(const Network& network, std::span<const Mask* const> masks, int hand_off, const BatchRows& rows,
              SearchTimes& times) {
  std::vector<LayerProfile>& layers = times.layers;
  const int positioned = first_fully_connected(network);
  const double weight = 1.0 / static_cast<double>(masks.size());
  for (const Mask* mask : masks) {
    const PositionSets sets = times.reuse ? find_position_sets(network, *mask, hand_off) : all_mixed(network);
    for (int i = 0; i < positioned; ++i) {
      const double share = static_cast<double>(sets.count(i + 1, Source::mixed)) /
                           static_cast<double>(sets.kinds[i + 1].size());
      layers[i].mixed += weight * share;
      layers[i].bytes +=
          weight * least_traffic(network, sets, i, rows.of_layer(i), element_bytes(times.precision));
    }
  }
  for (std::size_t i = positioned; i < layers.size(); ++i) {
    layers[i].mixed = 1;
    layers[i].products = Precision::fp32;  // whatever the precision
    layers[i].bytes = least_traffic_fully_connected(network.layers[i], kFullyConnectedBatch);
  }
}

// The seconds that a layer's products take at the measured peaks; 0 where one of those was not measured.
double seconds_at_peak(const LayerProfile& layer, const MachinePeak& peak) {
  const double by_list = layer.multiply_adds - layer.tile_multiply_adds;
  if (by_list > 0 && peak.of(layer.products) <= 0) return 0;
  if (layer.tile_multiply_adds > 0 && peak.of(layer.tile_products) <= 0) return 0;
  return (by_list > 0 ? by_list / peak.of(layer.products) : 0) +
         (layer.tile_multiply_adds > 0 ? layer.tile_multiply_adds / peak.of(layer.tile_products) : 0);
}

void add_times(const SearchProfile& profile, double composites, int threads, const MachinePeak& peak,
               SearchTimes& times) {
  const auto seconds = [&](const StepTime& step) {
    return 1e-9 * static_cast<double>(step.nanoseconds) / threads;
  };
  times.cache_fill_seconds = seconds(profile.cache_fill);
  times.foreground_seconds = seconds(profile.foreground_pass);
  times.exact_fill_seconds = seconds(profile.exact_fill);
  for (std::size_t i = 0; i < times.layers.size(); ++i) {
    LayerProfile& layer = times.layers[i];
    const double total = seconds(profile.layers[i]);
    times.layer_seconds += total;
    layer.seconds = total / composites;
    layer.multiply_adds = static_cast<double>(profile.layers[i].multiply_adds) / composites;
    layer.tile_multiply_adds = static_cast<double>(profile.layers[i].tile_multiply_adds) / composites;
    if (layer.seconds <= 0) continue;
    layer.compute_share = seconds_at_peak(layer, peak) / layer.seconds;
    layer.bandwidth_share = layer.bytes / layer.seconds / peak.bytes_per_second;
    layer.roofline_share = std::min(1.0, std::max(layer.compute_share, layer.bandwidth_share));
  }
}

}  // namespace

SearchTimes profile_search(const std::shared_ptr<const Network>& network, const ClassMap& map,
                           const EngineOptions& options, std::span<const CompositeTask> tasks,
                           const std::shared_ptr<const std::vector<Image>>& backgrounds,
                           const MachinePeak& peak) {
  EngineOptions settled = options;
  if (settled.cache_memory == 0) settled.cache_memory = default_cache_memory();
  const std::unique_ptr<Engine> engine = make_cpu_engine(network, map, settled);
  const std::vector<const Mask*> masks = masks_of(tasks);
  engine->set_backgrounds(backgrounds);
  engine->prepare(masks);
  SearchProfile profile(network->layers.size());
  if (!engine->set_profile(&profile))
    throw Error(ErrorCode::usage, "only the CPU's own kernels can be profiled: leave --kernels out");
  engine->calibrate(tasks);
  const Clock::time_point start = Clock::now();
  engine->classify_composites(tasks);
  SearchTimes times;
  times.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  engine->set_profile(nullptr);

  times.reuse = options.reuse;
  if (const std::optional<ScreeningReport> screening = engine->screening()) {
    times.precision = screening->precision;
    times.decided_again_seconds = screening->again_seconds;
    times.rechecked = screening->rechecked;
    times.audited = screening->audited;
  }
  times.engine = engine->description();
  times.foregrounds = tasks.size();
  times.backgrounds = backgrounds->size();
  const Precision tiles = times.precision == Precision::fp32 ? Precision::fp32 : Precision::bf16;
  for (const Layer& layer : network->layers)
    times.layers.push_back(
        {.name = layer.name, .out = layer.out, .products = times.precision, .tile_products = tiles});
  const int hand_off =  // as the engine chose it
      choose_hand_off(*network, sample_masks(masks), masks.size(), backgrounds->size(), settled.cache_memory)
          .hand_off;
  const BatchRows rows = options.batch > 0 ? BatchRows(engine->batch())
                                           : choose_batch_rows(*network, hand_off, engine->batch(),
                                                               element_bytes(times.precision));
  add_work(*network, masks, hand_off, rows, times);
  add_times(profile, static_cast<double>(times.composites()), engine->threads(), peak, times);
  return times;
}

}  // namespace backdrop
