/// \file
/// How the position convolution (cuda_tile.h) ends in e4m3: from fp32 sums of products to stored activations.
#pragma once

#include "kernels/cuda_tile.h"
#include "kernels/e4m3.h"

namespace backdrop::kernels::tile {

/// As finish_piece. Start sums are sums of products too, without the bias.
template <int kColumns>
BACKDROP_HOST_DEVICE void finish_fp8_piece(const ConvolutionArguments& a, const Place& place,
                                           const float* result, int number) {
  const Piece piece = piece_of_tile<kColumns>(a, place, number);
  if (!piece.exists) return;
  float values[kPieceColumns];
  BACKDROP_UNROLL
  for (int k = 0; k < kPieceColumns; ++k) values[k] = result[piece.result + k];
  const int start = a.work.start != nullptr ? a.work.start[piece.position] : -1;
  if (start >= 0) {
    const float* from = static_cast<const float*>(a.starts) +
                        static_cast<std::int64_t>(start) * a.start_stride + piece.column;
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) values[k] += from[k];
  }
  const std::int64_t offset =
      output_offset(a.output, a.work.output[piece.position], piece.row) + piece.column;
  if (a.output.kind == DotOutput::sums)
    return int8::store_floats(static_cast<float*>(a.output.base) + offset, values);
  BACKDROP_UNROLL
  for (int k = 0; k < kPieceColumns; ++k)
    values[k] = fmaf(values[k], a.scales.scale[piece.column + k], a.bias[piece.column + k]);
  if (a.work.residual != nullptr) {
    float residual[kPieceColumns];
    e4m3::load(
        row_address<std::uint8_t>(a.residual, a.work.residual[piece.position], piece.row) + piece.column,
        a.scales.residual.scale, residual);
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) values[k] += residual[k];
  }
  BACKDROP_UNROLL
  for (int k = 0; k < kPieceColumns; ++k) values[k] = activate_on_device(values[k], a.slope);
  if (a.output.kind == DotOutput::real)
    int8::store_floats(static_cast<float*>(a.output.base) + offset, values);
  else
    e4m3::store(static_cast<std::uint8_t*>(a.output.base) + offset, a.scales.output.inverse, values);
}

}  // namespace backdrop::kernels::tile
