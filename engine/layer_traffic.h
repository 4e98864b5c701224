/// \file
/// The least memory traffic of a layer: what it must read and write for one composite if every value is moved
/// once.
#pragma once

#include "engine/position_sets.h"

namespace backdrop {

struct TrafficOptions {
  int rows = 1;                             ///< composites that share a read of the weights
  std::size_t input_bytes = sizeof(float);  ///< of an element of the input and the weights; biases are floats
  std::size_t output_bytes = sizeof(float);  ///< of the output and the residual
  std::size_t last_bytes = sizeof(float);    ///< of what the fully connected layers read, and their weights
  bool tiles = true;                         ///< Winograd's where they cost less (the CPU)
};

/// Bytes for one composite under these sets: inputs that mixed positions read, residuals, outputs, and the
/// weights and foreground features that a batch shares.
double least_traffic(const Network& network, const PositionSets& sets, int index,
                     const TrafficOptions& options);

/// The same for a fully connected layer.
double least_traffic_fully_connected(const Layer& layer, const TrafficOptions& options);

}  // namespace backdrop
