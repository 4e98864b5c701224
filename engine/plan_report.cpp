#include "engine/plan_report.h"

#include <algorithm>
#include <numeric>

#include "core/rounding.h"
#include "engine/background_cache.h"
#include "engine/padded_network.h"
#include "engine/position_sets.h"
#include "engine/screened_runner.h"
#include "engine/stored_values.h"
#include "kernels/dot_convolution.h"

namespace backdrop {
namespace {

using kernels::Source;

// Adds one mask's sets and costs, divided by the number of masks.
void add_mask(const Network& network, const PositionSets& sets, double weight, PlanReport& report) {
  for (std::size_t i = 0; i < report.layers.size(); ++i) {
    LayerPlan& layer = report.layers[i];
    const int index = static_cast<int>(i);
    const double share = weight / static_cast<double>(sets.kinds[i + 1].size());
    layer.mixed += share * static_cast<double>(sets.count(index + 1, Source::mixed));
    layer.background += share * static_cast<double>(sets.count(index + 1, Source::background));
    layer.foreground += share * static_cast<double>(sets.count(index + 1, Source::foreground));
    const PositionCost cost = cost_of_layer(network, sets, index);
    layer.multiply_adds += weight * static_cast<double>(cost.multiply_adds);
    layer.foreground_multiply_adds +=
        weight * static_cast<double>(cost.start_multiply_adds + cost.foreground_multiply_adds);
  }
}

void set_totals(PlanReport& report) {
  double written = 0;
  double whole_written = 0;
  for (const LayerPlan& layer : report.layers) {
    written += layer.mixed * static_cast<double>(layer.out.size());
    whole_written += static_cast<double>(layer.out.size());
  }
  report.written_share = whole_written > 0 ? written / whole_written : 1;
  const auto whole = static_cast<double>(report.whole_multiply_adds());
  report.multiply_adds_share = whole > 0 ? report.multiply_adds() / whole : 1;
}

// Of each cached value, for one background.
std::vector<std::size_t> fast_bytes(const Network& network, int hand_off, Precision precision,
                                    bool bf16_sums) {
  const Network padded = pad_for_device(network, kernels::kDotLanes);
  const std::vector<Precision> stored = stored_values(network, precision, bf16_sums);
  std::vector<std::size_t> bytes;
  for (int v = 0; v <= hand_off; ++v) bytes.push_back(padded.shape(v).size() * element_bytes(stored[v]));
  return bytes;
}

std::vector<std::size_t> exact_bytes(const Network& network, int hand_off) {
  std::vector<std::size_t> bytes;
  for (int v = 0; v <= hand_off; ++v) bytes.push_back(network.shape(v).size() * sizeof(float));
  return bytes;
}

std::size_t block_bytes(const std::vector<std::size_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::size_t{0},
                         [](std::size_t sum, std::size_t bytes) { return sum + bytes_in_block(bytes); });
}

CachePlan plan_caches(const Network& network, const PlanReport& report, const std::vector<std::size_t>& fast,
                      std::size_t memory) {
  if (report.precision == Precision::fp32) return {report.choice.bytes_per_background, 0, report.choice.tile};
  CachePlan plan{block_bytes(fast), block_bytes(exact_bytes(network, report.choice.hand_off)), 0};
  const std::size_t fast_memory = fast_cache_memory(memory, report.precision);
  const std::size_t fitting = std::min(fast_memory / plan.bytes_per_background,
                                       (memory - fast_memory) / plan.exact_bytes_per_background);
  plan.tile =
      static_cast<int>(std::clamp<std::size_t>(fitting, 1, std::max<std::size_t>(1, report.backgrounds)));
  return plan;
}

}  // namespace

double PlanReport::multiply_adds() const {
  auto sum = static_cast<double>(fully_connected);
  for (const LayerPlan& layer : layers) sum += layer.multiply_adds;
  return sum;
}

std::int64_t PlanReport::whole_multiply_adds() const {
  std::int64_t sum = fully_connected;
  for (const LayerPlan& layer : layers) sum += layer.whole_multiply_adds;
  return sum;
}

PlanReport report_plan(const Network& network, std::span<const Mask* const> masks, std::size_t backgrounds,
                       std::size_t memory, Precision precision) {
  PlanReport report;
  report.precision = precision;
  report.foregrounds = masks.size();
  report.backgrounds = backgrounds;
  report.choice = choose_hand_off(network, sample_masks(masks), masks.size(), backgrounds, memory);
  const int hand_off = report.choice.hand_off;
  const std::vector<std::size_t> cached = precision == Precision::fp32
                                              ? exact_bytes(network, hand_off)
                                              : fast_bytes(network, hand_off, precision, false);
  report.cache = plan_caches(network, report, cached, memory);
  if (precision == Precision::int8 && has_sums(network))
    report.cache_with_sums =
        plan_caches(network, report, fast_bytes(network, hand_off, precision, true), memory);
  report.tiles = static_cast<std::int64_t>(divide_up(backgrounds, report.cache.tile));

  const PositionSets everything = all_mixed(network);
  for (int i = 0; i < first_fully_connected(network); ++i) {
    LayerPlan layer;
    layer.name = network.layers[i].name;
    layer.out = network.layers[i].out;
    layer.whole_multiply_adds = cost_of_layer(network, everything, i).multiply_adds;
    if (i < hand_off) layer.cached_bytes = static_cast<std::int64_t>(cached[static_cast<std::size_t>(i) + 1]);
    report.layers.push_back(layer);
  }
  for (std::size_t i = report.layers.size(); i < network.layers.size(); ++i)
    report.fully_connected += network.layers[i].macs();

  for (const Mask* mask : masks)
    add_mask(network, find_position_sets(network, *mask, hand_off), 1.0 / static_cast<double>(masks.size()),
             report);
  set_totals(report);
  return report;
}

}  // namespace backdrop
