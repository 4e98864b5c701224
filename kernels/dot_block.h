/// \file
/// The register block of dot_convolution: up to kDotRows backgrounds of one position by one panel of columns,
/// multiplied four bytes of input at a time (four 8-bit integers or two bfloat16) and summed in 32 bits. One
/// implementation an instruction set and a kind of element.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/position_work.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {

inline constexpr int kDotRows = 8;
inline constexpr int kDotLanes = 16;         ///< columns are padded to multiples of this
inline constexpr int kDotPanelColumns = 32;  ///< 8 x 2 vectors: weights come from L2 at the rate of products
inline constexpr int kGroupBytes = 4;
inline constexpr int kLineBytes = 64;  ///< of a cache

struct DotArguments {
  const Tap* taps = nullptr;
  int tap_count = 0;
  int groups = 0;                             ///< four-byte groups of input channels of the panel
  int first_channel = 0;                      ///< where they start in a tap's block
  const std::byte* panel = nullptr;           ///< [tap][groups][width][4 bytes]
  int width = 0;                              ///< 16 or 32
  int columns = 0;                            ///< valid ones among them
  int first_column = 0;                       ///< where they start in an output row
  const void* start = nullptr;                ///< [width] sums to start from; null: 0
  const std::int32_t* corrections = nullptr;  ///< int8: [tap][width] added for each tap; null: none
  const float* scale = nullptr;               ///< int8: [width] what one unit of a sum is worth
  const float* bias = nullptr;                ///< [width]
  const RowPointers* input = nullptr;
  const RowPointers* residual = nullptr;
  const Tap* residual_tap = nullptr;    ///< null: no residual
  Precision written = Precision::int8;  ///< how residual and stored output are stored
  ValueScale residual_scale;
  ValueScale output_scale;
  float slope = 1.0f;
  DotOutput kind = DotOutput::stored;
  void* const* output = nullptr;
  int output_offset = 0;
  int first_row = 0;
  const std::byte* ahead = nullptr;  ///< weights that are wanted next: brought into L2 along the way
  std::ptrdiff_t ahead_step = 0;     ///< bytes of them for each tap
};

/// `rows` is 1..kDotRows.
using DotFunction = void (*)(const DotArguments& arguments, int rows);

void dot_block_int8_vnni(const DotArguments& arguments, int rows);
void dot_block_int8_portable(const DotArguments& arguments, int rows);
void dot_block_bf16_avx512(const DotArguments& arguments, int rows);
void dot_block_bf16_portable(const DotArguments& arguments, int rows);

}  // namespace backdrop::kernels
