#include "engine/batch_rows.h"

#include <algorithm>

#include "engine/position_sets.h"
#include "kernels/position_work.h"

namespace backdrop {
namespace {

// What a value of a deep batch may take, so that a layer's input and output stay in a thread's share of the
// last-level cache.
constexpr std::size_t kDeepBytes = std::size_t{7} << 20;

}  // namespace

BatchRows choose_batch_rows(const Network& network, int hand_off, int shallow, std::size_t element_bytes) {
  const int layers = first_fully_connected(network);
  const int deep = std::max(1, kernels::kMaxRows / shallow) * shallow;
  int cut = layers;
  int oldest_read = layers;  // of the layers from `value` on
  for (int value = layers; value > hand_off; --value) {
    if (network.shape(value).size() * deep * element_bytes > kDeepBytes) break;
    if (value < layers) {
      const Layer& layer = network.layers[value];
      oldest_read = std::min(oldest_read, layer.input);
      if (layer.residual >= 0) oldest_read = std::min(oldest_read, layer.residual);
    }
    if (oldest_read >= value) cut = value;
  }
  return {shallow, deep, cut};
}

}  // namespace backdrop
