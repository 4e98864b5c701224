/// \file
/// The blocks of dot_convolution: the backgrounds of a run of positions by one panel of columns, multiplied
/// four bytes of input at a time (four 8-bit integers, two 16-bit ones or two bfloat16) and summed in 32
/// bits. One implementation an instruction set and a kind of element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/position_work.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {

inline constexpr int kDotRows = 8;           ///< at most
inline constexpr int kDotLanes = 16;         ///< columns are padded to multiples of this
inline constexpr int kDotPanelColumns = 64;  ///< at most, but for panel_bytes
inline constexpr int kGroupBytes = 4;
inline constexpr int kLineBytes = 64;  ///< of a cache

/// What differs from one position to the next.
struct DotPosition {
  std::span<const Tap> taps;
  const void* start = nullptr;        ///< [output channels] sums to start from; null: 0
  const Tap* residual_tap = nullptr;  ///< null: no residual
  int output_offset = 0;
};

struct DotArguments {
  int groups = 0;                             ///< four-byte groups of input channels of the panel
  int first_channel = 0;                      ///< where they start in a tap's block
  const std::byte* panel = nullptr;           ///< [tap][width / strip][groups][strip][4 bytes]
  int width = 0;                              ///< whole strips of `columns`
  int columns = 0;                            ///< valid ones among them
  int first_column = 0;                       ///< where they start in an output row
  const std::int32_t* corrections = nullptr;  ///< int8: [tap][width] added for each tap; null: none
  const float* scale = nullptr;               ///< integers: [width] what one unit of a sum is worth
  const float* bias = nullptr;                ///< [width]
  const RowPointers* input = nullptr;
  const RowPointers* residual = nullptr;
  Precision written = Precision::int8;  ///< how residual and stored output are stored
  ValueScale residual_scale;
  ValueScale output_scale;
  float slope = 1.0f;
  DotOutput kind = DotOutput::stored;
  void* const* output = nullptr;
  int first_row = 0;
  const std::byte* ahead = nullptr;  ///< weights that are wanted next: brought into L2 along the way
  std::ptrdiff_t ahead_step = 0;     ///< bytes of them for each tap
};

/// How real values become activations.
enum class Activation {
  none,  ///< they are, or storing them makes them so
  rectify,
  leak
};

struct DotBlock {
  /// Computes 1..kMaxRows backgrounds of every position.
  void (*run)(const DotArguments& arguments, std::span<const DotPosition> positions, int rows);
  int rows;     ///< that are multiplied together
  int columns;  ///< of a panel, at most; weights come from L2 at the rate of products
  int strip;    ///< columns whose sums are in registers together; a panel that is narrower is one strip
  /// A panel has several times the columns where its weights are no more than this: what is written to a row
  /// and added to it is a longer stretch then.
  std::size_t panel_bytes = 0;
};

// What blocks share is always inlined: a copy compiled for one instruction set must not be linked into code
// for another.

/// The start sums from column `lane` of the panel on; null: 0.
[[gnu::always_inline]] inline const void* start_sums_at(const DotArguments& a, const DotPosition& position,
                                                        int lane) {
  if (position.start == nullptr) return nullptr;
  return static_cast<const std::int32_t*>(position.start) + a.first_column + lane;
}

/// Asks for what a position adds and writes, before its products: a panel's columns of a row are a line or
/// two, too short a stretch for a processor to foresee the next.
[[gnu::always_inline]] inline void ask_for_position(const DotArguments& a, const DotPosition& position,
                                                    int rows) {
  // Sums have four bytes in all precisions.
  const auto element = static_cast<std::ptrdiff_t>(a.kind == DotOutput::stored ? element_bytes(a.written)
                                                                               : sizeof(std::int32_t));
  const std::ptrdiff_t size = a.columns * element;
  for (int r = 0; r < rows; ++r) {
    if (position.residual_tap != nullptr) {
      const Tap& tap = *position.residual_tap;
      const auto* row = static_cast<const std::byte*>(a.residual->rows[static_cast<int>(tap.source)][r]);
      for (std::ptrdiff_t byte = 0; byte < size; byte += kLineBytes)
        __builtin_prefetch(row + (tap.offset + a.first_column) * element + byte, 0);
    }
    const auto* row = static_cast<const std::byte*>(a.output[r]);
    for (std::ptrdiff_t byte = 0; byte < size; byte += kLineBytes)
      __builtin_prefetch(row + (position.output_offset + a.first_column) * element + byte, 1);
  }
}

/// Calls block(arguments, position, rows) for each `block_rows` rows of each position.
template <class Block>
[[gnu::always_inline]] inline void for_each_block(const DotArguments& arguments,
                                                  std::span<const DotPosition> positions, int rows,
                                                  int block_rows, const Block& block) {
  DotArguments a = arguments;
  for (std::size_t p = 0; p < positions.size(); ++p) {
    if (p + 1 < positions.size()) ask_for_position(a, positions[p + 1], rows);
    for (a.first_row = 0; a.first_row < rows; a.first_row += block_rows) {
      block(a, positions[p], rows - a.first_row < block_rows ? rows - a.first_row : block_rows);
      a.ahead += a.ahead_step * static_cast<std::ptrdiff_t>(positions[p].taps.size());
    }
  }
}

DotBlock dot_block_int8_vnni();
DotBlock dot_block_bf16_avx512();
DotBlock dot_block_int16_vnni();
DotBlock dot_block_int16_avx2();
DotBlock dot_block_int8_amx();
DotBlock dot_block_bf16_amx();
DotBlock dot_block_portable(Precision precision);

/// Whether this processor has tile registers that take so many input channels of a group.
bool has_tile_block(Precision precision, int channels);

/// The block for `precision` and the input channels of a group: the processor's instructions if it has them
/// and `portable` is false.
DotBlock dot_block(Precision precision, int channels, bool portable);

}  // namespace backdrop::kernels
