/// \file
/// How the position convolution (cuda_tile.h) ends in 8 bits: from 32-bit sums of whole numbers to stored
/// activations. The same operations in the same order as on the CPU (dot_convolution.h), so the same bits.
#pragma once

#include "kernels/cuda_tile_end.h"
#include "kernels/e4m3.h"

namespace backdrop::kernels::tile {

/// Adds what the zeros of the inputs take away, for the taps that a position uses.
BACKDROP_HOST_DEVICE void add_corrections(const ConvolutionArguments& a, int position, int column,
                                          std::int32_t* sums) {
  if (a.scales.corrections == nullptr) return;
  const int first = a.work.first_tap[position];
  const int last = a.work.first_tap[position + 1];
  const auto add = [&](const std::int32_t* from) {
    std::int32_t corrections[kPieceColumns];
    load_eight(from + column, corrections);
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) sums[k] += corrections[k];
  };
  if (last - first == a.window) return add(a.scales.of_window);  // away from the borders: looked up at once
  for (int t = first; t < last; ++t)
    add(a.scales.corrections + static_cast<std::int64_t>(a.work.taps[t].weight) * a.scales.columns);
}

/// As finish_pieces, from sums of whole numbers. Start sums are such sums too, without the bias.
template <int kColumns>
BACKDROP_HOST_DEVICE void finish_int8_pieces(const ConvolutionArguments& a, const Place& place,
                                             const std::int32_t* result, int thread) {
  using End = PositionEnd<std::uint8_t>;
  const Pieces<kColumns> first(a, place, thread);
  if (!first.exists()) return;
  const int column = first.column();
  float scale[kPieceColumns];
  float bias[kPieceColumns];
  load_eight(a.scales.scale + column, scale);
  load_eight(a.bias + column, bias);
  finish_each<std::uint8_t>(
      a, first, result,
      [&](const End& end, int position, std::int32_t* added) {
        if (end.start >= 0) load_eight(start_sums<std::int32_t>(a, end.start, column), added);
        add_corrections(a, position, column, added);
      },
      [&](const StoredPiece<std::uint8_t>& residual, std::int64_t offset, const std::int32_t* sums) {
        if (a.output.kind == DotOutput::sums)
          return store_eight(static_cast<std::int32_t*>(a.output.base) + offset, sums);
        float values[kPieceColumns];
        BACKDROP_UNROLL
        for (int k = 0; k < kPieceColumns; ++k)
          values[k] = fmaf(static_cast<float>(sums[k]), scale[k], bias[k]);
        if (a.work.residual != nullptr) {
          float added[kPieceColumns];
          int8::widen(residual.words, a.scales.residual.zero, added);
          BACKDROP_UNROLL
          for (int k = 0; k < kPieceColumns; ++k)
            values[k] = fmaf(added[k], a.scales.residual.scale, values[k]);
        }
        std::uint8_t* to = static_cast<std::uint8_t*>(a.output.base) + offset;
        if (a.output.kind == DotOutput::real) {
          activate_eight(values, a.slope);
          store_eight(static_cast<float*>(a.output.base) + offset, values);
        } else if (a.scales.to_fp8) {
          e4m3::store_activated(to, a.scales.output.inverse, values, a.slope);
        } else {
          if (a.slope != 0.0f || !int8::rectifies(a.scales.output)) activate_eight(values, a.slope);
          int8::store_rounded(to, values, a.scales.output);
        }
      });
}

}  // namespace backdrop::kernels::tile
