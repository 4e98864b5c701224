#include "engine/batch_rows.h"

#include <algorithm>

#include "engine/position_sets.h"
#include "kernels/position_work.h"

namespace backdrop {
namespace {

// What a value of a deep batch may take, so that a layer's input and output stay in a thread's share of the
// last-level cache.
constexpr std::size_t kDeepBytes = std::size_t{7} << 20;

// Whether no layer from `value` on reads an earlier one.
bool is_cut(const Network& network, int value) {
  for (int i = value; i < first_fully_connected(network); ++i) {
    const Layer& layer = network.layers[i];
    if (layer.input < value || (layer.residual >= 0 && layer.residual < value)) return false;
  }
  return true;
}

}  // namespace

int earliest_cut(const Network& network, int hand_off) {
  int value = hand_off + 1;
  while (!is_cut(network, value)) ++value;
  return value;
}

BatchRows choose_batch_rows(const Network& network, int hand_off, int shallow, std::size_t element_bytes) {
  const int layers = first_fully_connected(network);
  const int deep = std::max(1, kernels::kMaxRows / shallow) * shallow;
  int cut = layers;
  for (int value = layers; value > hand_off; --value) {
    if (network.shape(value).size() * deep * element_bytes > kDeepBytes) break;
    if (is_cut(network, value)) cut = value;
  }
  return {shallow, deep, cut};
}

}  // namespace backdrop
