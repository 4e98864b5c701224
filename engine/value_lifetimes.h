/// \file
/// When each value of a network is last needed.
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

}  // namespace backdrop
