#include "engine/hand_off.h"

#include <algorithm>

#include "core/resource_limits.h"
#include "engine/batch_rows.h"
#include "engine/position_sets.h"

namespace backdrop {
namespace {

// Costs in multiply-adds of the register block at full speed, measured on an AVX-512 core: writing (and later
// reading) an activation, and how much slower the block is with the single row of a foreground's own pass.
constexpr double kPerFloatWritten = 12.0;
constexpr double kSingleRow = 3.0;

constexpr std::size_t kMaskSample = 24;

// Mean costs over the sample, by layer.
struct LayerSample {
  double mixed = 0;       // for each composite, with reuse
  double foreground = 0;  // once a foreground and tile
  double whole = 0;       // for each composite, without reuse
};

std::vector<LayerSample> sample_costs(const Network& network, std::span<const Mask* const> masks) {
  const int layers = first_fully_connected(network);
  std::vector<LayerSample> samples(layers);
  const PositionSets everything = all_mixed(network);
  for (int i = 0; i < layers; ++i)
    samples[i].whole = cost_of_layer(network, everything, i).effort() +
                       kPerFloatWritten * static_cast<double>(network.layers[i].out.size());
  for (const Mask* mask : masks) {
    const PositionSets sets = find_position_sets(network, *mask, layers);
    for (int i = 0; i < layers; ++i) {
      const PositionCost cost = cost_of_layer(network, sets, i);
      samples[i].mixed += cost.effort() + kPerFloatWritten * static_cast<double>(cost.written);
      samples[i].foreground +=
          kSingleRow * static_cast<double>(cost.start_multiply_adds + cost.foreground_multiply_adds);
    }
  }
  for (LayerSample& sample : samples) {
    sample.mixed /= static_cast<double>(masks.size());
    sample.foreground /= static_cast<double>(masks.size());
  }
  return samples;
}

}  // namespace

HandOffChoice choose_hand_off(const Network& network, std::span<const Mask* const> masks,
                              std::size_t foregrounds, std::size_t backgrounds, std::size_t memory,
                              const ImagePace& pace) {
  const std::vector<LayerSample> samples = sample_costs(network, masks);
  const int layers = static_cast<int>(samples.size());
  const auto pace_from = [&](int first, int i) { return pace ? pace(first, i) : 1.0; };
  // Of layers that compute every position, from `hand_off` on.
  const auto cost_of_rest = [&](int hand_off) {
    const int cut = earliest_cut(network, hand_off);
    double cost = 0;
    for (int i = hand_off; i < layers; ++i) cost += samples[i].whole * (i < cut ? 1.0 : pace_from(cut, i));
    return cost;
  };
  double whole = 0;
  for (int i = 0; i < layers; ++i) whole += samples[i].whole * pace_from(0, i);

  HandOffChoice best;
  double best_cost = 0;
  double reused = 0;      // mixed positions of the layers before the hand-off
  double before = 0;      // their whole cost: what filling the cache takes
  double foreground = 0;  // what each foreground takes on each tile
  std::size_t bytes = 0;
  // The last layer's outputs go to the fully connected layers, which take them computed.
  const int deepest = std::max(0, layers - 1);
  for (int hand_off = 0; hand_off <= deepest; ++hand_off) {
    bytes += sizeof(float) * network.shape(hand_off).size();
    const std::size_t tile =
        std::clamp<std::size_t>(memory / bytes, 1, std::max<std::size_t>(1, backgrounds));
    const double cost = reused + cost_of_rest(hand_off) + foreground / static_cast<double>(tile) +
                        before / static_cast<double>(std::max<std::size_t>(1, foregrounds));
    if (hand_off == 0 || cost < best_cost) {
      best_cost = cost;
      best = {hand_off, bytes, static_cast<int>(tile), cost / whole};
    }
    if (hand_off == deepest) break;
    reused += samples[hand_off].mixed;
    before += samples[hand_off].whole;
    foreground += samples[hand_off].foreground;
  }
  return best;
}

std::vector<const Mask*> sample_masks(std::span<const Mask* const> masks) {
  const std::size_t count = std::min(masks.size(), kMaskSample);
  std::vector<const Mask*> sample;
  for (std::size_t i = 0; i < count; ++i) sample.push_back(masks[i * masks.size() / count]);
  return sample;
}

std::size_t default_cache_memory() {
  constexpr std::size_t kUnknown = std::size_t{2} << 30;
  return available_memory().value_or(kUnknown) / 2;
}

}  // namespace backdrop
