/// \file
/// Pools at a list of positions, for many backgrounds at once (position_work.h).
#pragma once

#include "kernels/position_work.h"

namespace backdrop::kernels {

/// Maximum over the listed taps, for each of `channels` and `rows`.
void position_max_pool(int channels, const PositionWork& work, int rows, const RowPointers& input,
                       float* const* output);

/// Mean over the listed taps.
void position_average_pool(int channels, const PositionWork& work, int rows, const RowPointers& input,
                           float* const* output);

}  // namespace backdrop::kernels
