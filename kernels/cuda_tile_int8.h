/// \file
/// How the position convolution (cuda_tile.h) ends in 8 bits: from 32-bit sums of whole numbers to stored
/// activations. The same operations in the same order as on the CPU (dot_convolution.h), so the same bits.
#pragma once

#include "kernels/cuda_tile.h"
#include "kernels/e4m3.h"

namespace backdrop::kernels::tile {

/// Adds what the zeros of the inputs take away, for the taps that a position uses.
BACKDROP_HOST_DEVICE void add_corrections(const ConvolutionArguments& a, int position, int column,
                                          std::int32_t* sums) {
  if (a.scales.corrections == nullptr) return;
  const int first = a.work.first_tap[position];
  const int last = a.work.first_tap[position + 1];
  if (last - first == a.window) {  // away from the borders: looked up at once
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) sums[k] += a.scales.of_window[column + k];
    return;
  }
  for (int t = first; t < last; ++t) {
    const std::int32_t* row =
        a.scales.corrections + static_cast<std::int64_t>(a.work.taps[t].weight) * a.scales.columns + column;
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) sums[k] += row[k];
  }
}

/// As finish_piece, from sums of whole numbers. Start sums are such sums too, without the bias.
template <int kColumns>
BACKDROP_HOST_DEVICE void finish_int8_piece(const ConvolutionArguments& a, const Place& place,
                                            const std::int32_t* result, int number) {
  const Piece piece = piece_of_tile<kColumns>(a, place, number);
  if (!piece.exists) return;
  std::int32_t sums[kPieceColumns];
  BACKDROP_UNROLL
  for (int k = 0; k < kPieceColumns; ++k) sums[k] = result[piece.result + k];
  add_corrections(a, piece.position, piece.column, sums);
  const int start = a.work.start != nullptr ? a.work.start[piece.position] : -1;
  if (start >= 0) {
    const std::int32_t* from = static_cast<const std::int32_t*>(a.starts) +
                               static_cast<std::int64_t>(start) * a.start_stride + piece.column;
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) sums[k] += from[k];
  }
  const std::int64_t offset =
      output_offset(a.output, a.work.output[piece.position], piece.row) + piece.column;
  if (a.output.kind == DotOutput::sums) {
    std::int32_t* out = static_cast<std::int32_t*>(a.output.base) + offset;
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) out[k] = sums[k];
    return;
  }
  float values[kPieceColumns];
  BACKDROP_UNROLL
  for (int k = 0; k < kPieceColumns; ++k)
    values[k] = fmaf(static_cast<float>(sums[k]), a.scales.scale[piece.column + k], a.bias[piece.column + k]);
  if (a.work.residual != nullptr) {
    const int8::Piece residual = int8::load(
        row_address<std::uint8_t>(a.residual, a.work.residual[piece.position], piece.row) + piece.column);
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k)
      values[k] = fmaf(static_cast<float>(residual.values[k]) - a.scales.residual.zero,
                       a.scales.residual.scale, values[k]);
  }
  BACKDROP_UNROLL
  for (int k = 0; k < kPieceColumns; ++k) values[k] = activate_on_device(values[k], a.slope);
  if (a.output.kind == DotOutput::real)
    int8::store_floats(static_cast<float*>(a.output.base) + offset, values);
  else if (a.scales.to_fp8)
    e4m3::store(static_cast<std::uint8_t*>(a.output.base) + offset, a.scales.output.inverse, values);
  else
    int8::store_rounded(static_cast<std::uint8_t*>(a.output.base) + offset, values, a.scales.output);
}

}  // namespace backdrop::kernels::tile
