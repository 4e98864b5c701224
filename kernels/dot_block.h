/// \file
/// The register block of dot_convolution: up to kDotRows backgrounds of one position by one panel of columns,
/// multiplied four bytes of input at a time (four 8-bit integers, two 16-bit ones or two bfloat16) and summed
/// in 32 bits. One implementation an instruction set and a kind of element.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/position_work.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {

inline constexpr int kDotRows = 8;           ///< at most
inline constexpr int kDotLanes = 16;         ///< columns are padded to multiples of this
inline constexpr int kDotPanelColumns = 64;  ///< at most
inline constexpr int kGroupBytes = 4;
inline constexpr int kLineBytes = 64;  ///< of a cache

struct DotArguments {
  const Tap* taps = nullptr;
  int tap_count = 0;
  int groups = 0;                             ///< four-byte groups of input channels of the panel
  int first_channel = 0;                      ///< where they start in a tap's block
  const std::byte* panel = nullptr;           ///< [tap][width / strip][groups][strip][4 bytes]
  int width = 0;                              ///< 16, 32, 48 or 64
  int columns = 0;                            ///< valid ones among them
  int first_column = 0;                       ///< where they start in an output row
  const void* start = nullptr;                ///< [width] sums to start from; null: 0
  const std::int32_t* corrections = nullptr;  ///< int8: [tap][width] added for each tap; null: none
  const float* scale = nullptr;               ///< integers: [width] what one unit of a sum is worth
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

struct DotBlock {
  /// Computes `rows` backgrounds, at most as many as below.
  void (*run)(const DotArguments& arguments, int rows);
  int rows;
  int columns;  ///< of a panel, at most; weights come from L2 at the rate of products
  int strip;    ///< columns whose sums are in registers together; a panel that is narrower is one strip
};

DotBlock dot_block_int8_vnni();
DotBlock dot_block_bf16_avx512();
DotBlock dot_block_int16_vnni();
DotBlock dot_block_int16_avx2();
DotBlock dot_block_portable(Precision precision);

/// The block for `precision`: the processor's instructions if it has them and `portable` is false.
DotBlock dot_block(Precision precision, bool portable);

}  // namespace backdrop::kernels
