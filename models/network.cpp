/// \file
/// Sizes of a network.
#include "models/network.h"

namespace backdrop {

std::int64_t Layer::macs() const {
  switch (kind) {
    case LayerKind::convolution:
      return out.size() * (in.channels / groups) * kernel * kernel;
    case LayerKind::fully_connected:
      return out.size() * in.size();
    case LayerKind::max_pool:
    case LayerKind::average_pool:
      break;
  }
  return 0;
}

std::int64_t Network::macs() const {
  std::int64_t total = 0;
  for (const Layer& layer : layers) total += layer.macs();
  return total;
}

std::int64_t Network::parameters() const {
  std::int64_t total = 0;
  for (const Layer& layer : layers)
    total += static_cast<std::int64_t>(layer.weights.size() + layer.bias.size());
  return total;
}

}  // namespace backdrop
