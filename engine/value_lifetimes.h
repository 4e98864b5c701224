/// \file
/// When each value of a network is last needed, and which memory is free then.
#pragma once

#include <vector>

#include "models/network.h"

namespace backdrop {

/// The index of the last layer that reads each value; one past the last layer for the logits.
inline std::vector<int> last_readers(const Network& network) {
  const int layers = static_cast<int>(network.layers.size());
  std::vector<int> last(layers + 1, -1);
  for (int i = 0; i < layers; ++i) {
    last[network.layers[i].input] = i;
    if (network.layers[i].residual >= 0) last[network.layers[i].residual] = i;
  }
  last[layers] = layers;
  return last;
}

/// The residual whose memory layer `index` may write its output over, where both lie alike: nothing else
/// reads it then or later. -1: none.
inline int replaced_residual(const Network& network, const std::vector<int>& last, int index) {
  const Layer& layer = network.layers[index];
  return layer.residual != layer.input && layer.residual >= 0 && last[layer.residual] == index
             ? layer.residual
             : -1;
}

}  // namespace backdrop
