#include "engine/stored_values.h"

#include <algorithm>

#include "engine/position_sets.h"

namespace backdrop {
namespace {

// What is added to something, is the result of it, or goes two ways: into a block and around it.
std::vector<bool> values_around_blocks(const Network& network) {
  const int layers = first_fully_connected(network);
  std::vector<bool> around(layers + 1, false);
  std::vector<int> readers(layers + 1, 0);
  for (int i = 0; i < layers; ++i) {
    const Layer& layer = network.layers[i];
    if (++readers[layer.input] > 1) around[layer.input] = true;
    if (layer.residual < 0) continue;
    around[layer.residual] = true;
    around[i + 1] = true;
  }
  return around;
}

}  // namespace

Precision tail_form(const Network& network, Precision precision) {
  if (!needs_calibration(precision)) return precision;
  const Layer& last = network.layers[first_fully_connected(network) - 1];
  return last.kind == LayerKind::convolution ? Precision::fp32 : Precision::bf16;
}

Precision multiplied_as(const Network& network, int index, const std::vector<Precision>& stored) {
  constexpr int kManyChannels = 256;
  const Layer& layer = network.layers[index];
  const bool enters_block = layer.kind == LayerKind::convolution && layer.kernel == 1 &&
                            layer.out.channels / layer.groups >= kManyChannels &&
                            stored[index + 1] == Precision::int8;
  return enters_block ? Precision::int8 : stored[layer.input];
}

int weight_terms(const Network& network, int index) {
  constexpr int kFewChannels = 256;
  const Layer& layer = network.layers[index];
  const auto adds_it = [&](const Layer& other) { return other.residual == index + 1; };
  const bool around =
      layer.input == 0 || (layer.activation == Activation::none &&
                           std::any_of(network.layers.begin(), network.layers.end(), adds_it));
  return around && layer.in.channels / layer.groups <= kFewChannels ? 2 : 1;
}

bool has_sums(const Network& network) {
  const std::vector<bool> around = values_around_blocks(network);
  return std::find(around.begin(), around.end(), true) != around.end();
}

std::vector<Precision> stored_values(const Network& network, Precision precision, bool wide_sums,
                                     Precision sums) {
  std::vector<bool> around = values_around_blocks(network);
  std::vector<Precision> stored(around.size(), precision);
  if (precision != Precision::int8 || !wide_sums) return stored;
  const auto first = std::find(around.begin(), around.end(), true);
  if (first == around.end()) return stored;
  std::fill(around.begin(), first, true);
  const auto is_pool = [&](int i) { return network.layers[i].kind != LayerKind::convolution; };
  const int layers = first_fully_connected(network);
  for (int i = layers - 1; i >= 0; --i)
    if (is_pool(i) && around[i + 1]) around[network.layers[i].input] = true;
  for (int i = 0; i < layers; ++i)
    if (is_pool(i) && around[network.layers[i].input]) around[i + 1] = true;
  for (std::size_t v = 0; v < stored.size(); ++v)
    if (around[v]) stored[v] = sums;
  return stored;
}

}  // namespace backdrop
