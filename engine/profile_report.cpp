#include "engine/profile_report.h"

#include <algorithm>

#include "backdrop/error.h"
#include "core/clock.h"
#include "engine/layer_traffic.h"
#include "engine/position_sets.h"
#include "engine/search_profile.h"
#include "engine/stored_values.h"
#include "kernels/split_block.h"

namespace backdrop {
namespace {

using kernels::Source;

// What the layers had to do, means over the masks: shares of mixed positions and least traffic.
void add_work(const Network& network, std::span<const Mask* const> masks, const Engine& engine,
              const std::vector<Precision>& stored, SearchTimes& times) {
  std::vector<LayerProfile>& layers = times.layers;
  const int positioned = first_fully_connected(network);
  const bool on_cpu = engine.device() == "cpu";
  const Precision last = on_cpu ? Precision::fp32 : tail_form(network, times.precision);
  TrafficOptions traffic{.last_bytes = element_bytes(last), .tiles = on_cpu};
  const double weight = 1.0 / static_cast<double>(masks.size());
  for (const Mask* mask : masks) {
    const PositionSets sets =
        engine.hand_off() ? find_position_sets(network, *mask, *engine.hand_off()) : all_mixed(network);
    for (int i = 0; i < positioned; ++i) {
      const double share = static_cast<double>(sets.count(i + 1, Source::mixed)) /
                           static_cast<double>(sets.kinds[i + 1].size());
      traffic.rows = engine.rows_of_layer(i);
      traffic.input_bytes = element_bytes(stored[network.layers[i].input]);
      traffic.output_bytes = element_bytes(stored[i + 1]);
      layers[i].mixed += weight * share;
      layers[i].bytes += weight * least_traffic(network, sets, i, traffic);
    }
  }
  for (std::size_t i = positioned; i < layers.size(); ++i) {
    traffic.rows = engine.rows_of_layer(static_cast<int>(i));
    layers[i].mixed = 1;
    layers[i].products = last;
    layers[i].bytes = least_traffic_fully_connected(network.layers[i], traffic);
  }
}

// The seconds that a layer's products take at the measured peaks; 0 where one of those was not measured.
double seconds_at_peak(const LayerProfile& layer, const MachinePeak& peak) {
  const double by_list = layer.multiply_adds - layer.tile_multiply_adds;
  const double list_peak =
      layer.split ? peak.of(Precision::bf16) / kernels::kSplitProducts : peak.of(layer.products);
  if (by_list > 0 && list_peak <= 0) return 0;
  if (layer.tile_multiply_adds > 0 && peak.of(layer.tile_products) <= 0) return 0;
  return (by_list > 0 ? by_list / list_peak : 0) +
         (layer.tile_multiply_adds > 0 ? layer.tile_multiply_adds / peak.of(layer.tile_products) : 0);
}

void add_times(const SearchProfile& profile, double composites, int threads, const MachinePeak& peak,
               SearchTimes& times) {
  const auto seconds = [&](const StepTime& step) {
    return 1e-9 * static_cast<double>(step.nanoseconds) / threads;
  };
  times.cache_fill_seconds = seconds(profile.cache_fill);
  times.foreground_seconds = seconds(profile.foreground_pass);
  times.compositing_seconds = seconds(profile.compositing);
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
  times.other_seconds = times.seconds - times.cache_fill_seconds - times.foreground_seconds -
                        times.compositing_seconds - times.layer_seconds - times.decided_again_seconds;
}

}  // namespace

ProfiledSearch::ProfiledSearch(Engine& engine, const Network& network, std::span<const CompositeTask> tasks,
                               const std::shared_ptr<const std::vector<Image>>& backgrounds,
                               const MachinePeak& peak)
    : engine_(engine), network_(network), tasks_(tasks), backgrounds_(backgrounds->size()), peak_(peak) {
  engine.set_backgrounds(backgrounds);
  engine.prepare(masks_of(tasks));
  engine.calibrate(tasks, {});
  // On the CPU oneDNN makes the code of the fully connected layers when they first run: on a photo, which
  // leaves the cache of backgrounds empty. A GPU loads each kernel when it first runs. Several divide the
  // tasks among them.
  std::vector<float> ignored(static_cast<std::size_t>(engine.classes()));
  if (engine.device() == "cpu")
    engine.classify_images(std::span(*backgrounds).first(1), ignored.data());
  else
    engine.classify_composites(engine.threads() > 1 ? tasks : tasks.first(1));
}

Precision ProfiledSearch::precision() const {
  return engine_.screening().value_or(ScreeningReport()).precision;
}

SearchTimes ProfiledSearch::run() {
  const ScreeningReport before = engine_.screening().value_or(ScreeningReport());
  SearchProfile profile(network_.layers.size());
  if (!engine_.set_profile(&profile))
    throw Error(ErrorCode::usage, "oneDNN and the plain loops have no clocks: leave --kernels out");
  const Clock::time_point start = Clock::now();
  engine_.classify_composites(tasks_);
  SearchTimes times;
  times.seconds = seconds_since(start);
  engine_.set_profile(nullptr);

  times.reuse = engine_.hand_off().has_value();
  std::optional<Precision> sums;
  if (const std::optional<ScreeningReport> screening = engine_.screening()) {
    times.precision = screening->precision;
    sums = screening->sums;
    times.decided_again_seconds = screening->again_seconds - before.again_seconds;
    times.rechecked = screening->rechecked - before.rechecked;
    times.audited = screening->audited - before.audited;
  }
  times.engine = engine_.description();
  times.foregrounds = tasks_.size();
  times.backgrounds = backgrounds_;
  // Tiles are the CPU's, which multiplies those of int8 in bfloat16.
  const Precision tiles = times.precision == Precision::int8 ? Precision::bf16 : times.precision;
  const std::vector<Precision> stored =
      stored_values(network_, times.precision, sums.has_value(), sums.value_or(times.precision));
  for (const Layer& layer : network_.layers)
    times.layers.push_back(
        {.name = layer.name, .out = layer.out, .products = times.precision, .tile_products = tiles});
  for (int i = 0; i < first_fully_connected(network_); ++i) {
    times.layers[i].products =
        engine_.device() == "cpu" ? multiplied_as(network_, i, stored) : stored[network_.layers[i].input];
    times.layers[i].split = engine_.splits_layer(i);
  }
  add_work(network_, masks_of(tasks_), engine_, stored, times);
  add_times(profile, static_cast<double>(times.composites()), engine_.threads(), peak_, times);
  return times;
}

}  // namespace backdrop
