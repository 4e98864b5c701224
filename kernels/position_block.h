/// \file
/// The register block of position_convolution: a few backgrounds of one position by one panel of columns. One
/// implementation an instruction set, those of vectors from position_block.inl.
#pragma once

#include <cstddef>

#include "core/instruction_set.h"
#include "kernels/position_work.h"

namespace backdrop::kernels {

inline constexpr int kLanes = 16;  ///< columns are padded to multiples of this

struct BlockArguments {
  const Tap* taps = nullptr;
  int tap_count = 0;
  int channels = 0;              ///< input channels of the panel
  int first_channel = 0;         ///< where they start in a tap's block
  const float* panel = nullptr;  ///< [tap][width / strip][channels][strip]
  int width = 0;                 ///< 16, 32, 48 or 64
  int columns = 0;               ///< valid ones among them
  int first_column = 0;          ///< where they start in an output row
  const float* start = nullptr;  ///< [width], of this panel's columns
  const RowPointers* input = nullptr;
  const RowPointers* residual = nullptr;
  const Tap* residual_tap = nullptr;  ///< null: no residual
  float slope = 1.0f;
  float* const* output = nullptr;
  int output_offset = 0;
  int first_row = 0;
  const std::byte* ahead = nullptr;  ///< weights that are wanted next: brought into L2 along the way
  std::ptrdiff_t ahead_step = 0;     ///< bytes of them for each channel of each strip of each tap
};

struct PositionBlock {
  /// Computes `rows` backgrounds, at most as many as below.
  void (*run)(const BlockArguments& arguments, int rows);
  int rows;
  int strip;  ///< columns whose sums are in registers together; a panel that is narrower is one strip
};

PositionBlock block_avx512();
PositionBlock block_avx2();
PositionBlock block_portable();

/// The block for `set`.
PositionBlock position_block(InstructionSet set);

}  // namespace backdrop::kernels
