/// \file
/// Pools at a list of positions over values stored below fp32 (position_pool.h has the fp32 ones).
#pragma once

#include "kernels/dot_block.h"
#include "kernels/position_work.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

/// What a pool reads (`precision` int8, int16 or bf16) and writes (DotOutput::stored or real).
struct ReducedPool {
  Precision precision = Precision::bf16;
  int channels = 0;
  ValueScale input;
  ValueScale output;  ///< of a stored average; a maximum keeps the input's
  DotOutput kind = DotOutput::stored;
};

/// Maximum over the listed taps, for each channel and row.
void reduced_max_pool(const ReducedPool& pool, const PositionWork& work, int rows, const RowPointers& input,
                      void* const* output);

/// Mean over the listed taps.
void reduced_average_pool(const ReducedPool& pool, const PositionWork& work, int rows,
                          const RowPointers& input, void* const* output);

}  // namespace backdrop::kernels
