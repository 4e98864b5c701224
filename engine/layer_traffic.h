/// \file
/// The least memory traffic of a layer: what it must read and write for one composite if every value is moved
/// once.
#pragma once

#include "engine/position_sets.h"

namespace backdrop {

/// Bytes for one composite of a batch of `rows` under these sets: inputs that mixed positions read,
/// residuals, outputs, and the weights and foreground features that a batch shares. Values and weights
/// have `element_bytes`; biases, and what the fully connected layers read, are floats.
double least_traffic(const Network& network, const PositionSets& sets, int index, int rows,
                     std::size_t element_bytes = sizeof(float));

/// The same for a fully connected layer in batches of `batch`, in fp32.
double least_traffic_fully_connected(const Layer& layer, int batch);

}  // namespace backdrop
