/// \file
/// How the position convolution (cuda_tile.h) ends in e4m3: from fp32 sums of products to stored activations.
#pragma once

#include "kernels/cuda_tile_end.h"
#include "kernels/e4m3.h"

namespace backdrop::kernels::tile {

/// As finish_pieces. Start sums are sums of products too, without the bias.
template <int kColumns>
BACKDROP_HOST_DEVICE void finish_fp8_pieces(const ConvolutionArguments& a, const Place& place,
                                            const float* result, int thread) {
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
      [&](const End& end, int, float* added) {
        if (end.start >= 0) load_eight(start_sums<float>(a, end.start, column), added);
      },
      [&](const StoredPiece<std::uint8_t>& residual, std::int64_t offset, float* values) {
        if (a.output.kind == DotOutput::sums)
          return store_eight(static_cast<float*>(a.output.base) + offset, values);
        BACKDROP_UNROLL
        for (int k = 0; k < kPieceColumns; ++k) values[k] = fmaf(values[k], scale[k], bias[k]);
        if (a.work.residual != nullptr) {
          alignas(e4m3::kPiece) std::uint8_t stored[kPieceColumns];
          residual.copy(stored);
          float added[kPieceColumns];
          e4m3::load(stored, a.scales.residual.scale, added);
          BACKDROP_UNROLL
          for (int k = 0; k < kPieceColumns; ++k) values[k] += added[k];
        }
        if (a.output.kind != DotOutput::real)
          return e4m3::store_activated(static_cast<std::uint8_t*>(a.output.base) + offset,
                                       a.scales.output.inverse, values, a.slope);
        activate_eight(values, a.slope);
        store_eight(static_cast<float*>(a.output.base) + offset, values);
      });
}

}  // namespace backdrop::kernels::tile
