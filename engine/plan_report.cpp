#include "engine/plan_report.h"

#include "engine/position_sets.h"

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
                       std::size_t memory) {
  PlanReport report;
  report.foregrounds = masks.size();
  report.backgrounds = backgrounds;
  report.choice = choose_hand_off(network, sample_masks(masks), masks.size(), backgrounds, memory);
  const auto tile = static_cast<std::size_t>(report.choice.tile);
  report.tiles = static_cast<std::int64_t>((backgrounds + tile - 1) / tile);

  const PositionSets everything = all_mixed(network);
  for (int i = 0; i < first_fully_connected(network); ++i) {
    LayerPlan layer;
    layer.name = network.layers[i].name;
    layer.out = network.layers[i].out;
    layer.whole_multiply_adds = cost_of_layer(network, everything, i).multiply_adds;
    if (i < report.choice.hand_off)
      layer.cached_bytes = layer.out.size() * static_cast<std::int64_t>(sizeof(float));
    report.layers.push_back(layer);
  }
  for (std::size_t i = report.layers.size(); i < network.layers.size(); ++i)
    report.fully_connected += network.layers[i].macs();

  for (const Mask* mask : masks)
    add_mask(network, find_position_sets(network, *mask, report.choice.hand_off),
             1.0 / static_cast<double>(masks.size()), report);
  set_totals(report);
  return report;
}

}  // namespace backdrop
