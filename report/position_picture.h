/// \file
/// A picture of the three kinds of positions for one mask, value by value down a network.
#pragma once

#include <span>

#include "engine/position_sets.h"
#include "loaders/image.h"

namespace backdrop {

/// The values worth a panel: the input and the last value of each resolution, at most eight.
std::vector<int> pictured_values(const Network& network);

/// Panels of the network's input size in a row, one a value: background blue, foreground green, mixed orange.
Image draw_position_sets(const Network& network, const PositionSets& sets, std::span<const int> values);

}  // namespace backdrop
