/// \file
/// How a position convolution (cuda_tile.h) ends: from sums in shared memory to stored activations.
#pragma once

#include "kernels/cuda_eight.h"
#include "kernels/cuda_tile_pieces.h"

namespace backdrop::kernels::tile {

/// What the rows of one position share when they end.
template <class Element>
struct PositionEnd {
  int start = -1;  ///< row of the start sums, or -1
  TapRows<Element> residual;
  std::int32_t output = 0;  ///< of the columns, for output_offset

  BACKDROP_HOST_DEVICE PositionEnd(const ConvolutionArguments& a, int position, int column) {
    if (a.work.start != nullptr) start = a.work.start[position];
    if (a.work.residual != nullptr) {
      residual = rows_of<Element>(a.residual, load_tap(a.work.residual + position));
      residual.base += column;
    }
    output = a.work.output[position] + column;
  }
};

/// Where row `start` of the start sums has these columns.
template <class Sum>
BACKDROP_HOST_DEVICE const Sum* start_sums(const ConvolutionArguments& a, int start, int column) {
  return static_cast<const Sum*>(a.starts) + static_cast<std::int64_t>(start) * a.start_stride + column;
}

/// Pieces whose residuals are read at once: what registers there are for.
template <class Element>
BACKDROP_HOST_DEVICE constexpr int pieces_ahead(int columns) {
  if (columns == 64) return sizeof(Element) == 2 ? 2 : 1;
  return (sizeof(Element) == 4 ? 2 : 4) * columns / 128;
}

/// A thread's pieces, from `piece` on: once for each position `begin(end, position, added)` says in `added`
/// what comes to the sums of its rows; then `finish(residual, offset, sums)` for each of them, `residual`
/// being anything if there is none, `offset` that of the output. The residuals of some pieces are read before
/// the first of them is finished: one at a time would wait for the memory each time.
template <class Element, int kColumns, class Sum, class Begin, class Finish>
BACKDROP_HOST_DEVICE void finish_each(const ConvolutionArguments& a, Pieces<kColumns> piece,
                                      const Sum* result, const Begin& begin, const Finish& finish) {
  constexpr int kAhead = pieces_ahead<Element>(kColumns);
  while (piece.exists()) {
    const int position = piece.position();
    const PositionEnd<Element> end(a, position, piece.column());
    Sum added[kPieceColumns] = {};
    begin(end, position, added);
    while (piece.exists() && piece.position() == position) {
      int count = 0;
      StoredPiece<Element> residuals[kAhead] = {};
      if (a.work.residual != nullptr) {
        BACKDROP_UNROLL
        for (int i = 0; i < kAhead; ++i)
          if (piece.continues(i)) residuals[i].load(end.residual.at(piece.row(i)));
      }
      BACKDROP_UNROLL
      for (int i = 0; i < kAhead; ++i) {
        if (!piece.continues(i)) break;
        ++count;
        Sum sums[kPieceColumns];
        load_four(result + piece.result(i), sums);
        load_four(result + piece.result(i) + result_half(kColumns), sums + kPieceColumns / 2);
        BACKDROP_UNROLL
        for (int k = 0; k < kPieceColumns; ++k) sums[k] += added[k];
        finish(residuals[i], output_offset(a.output, end.output, piece.row(i)), sums);
      }
      piece.advance(count);
    }
  }
}

/// Adds eight elements as `Traits` loads them.
template <class Traits>
BACKDROP_HOST_DEVICE void add_stored(const StoredPiece<typename Traits::Element>& piece, float* values) {
  alignas(16) typename Traits::Element stored[kPieceColumns];
  piece.copy(stored);
  float added[kPieceColumns];
  Traits::load(stored, added);
  BACKDROP_UNROLL
  for (int k = 0; k < kPieceColumns; ++k) values[k] += added[k];
}

/// Activates and stores eight values. `Traits` may know ReLU by a quicker way.
template <class Traits>
BACKDROP_HOST_DEVICE void store_activated(typename Traits::Element* to, float* values, float slope) {
  if constexpr (requires { Traits::store_rectified(to, values); }) {
    if (slope == 0.0f) return Traits::store_rectified(to, values);
  }
  activate_eight(values, slope);
  Traits::store(to, values);
}

/// The same in unsigned 8-bit integers of this scale.
BACKDROP_HOST_DEVICE void store_activated_bytes(std::uint8_t* to, float* values, float slope,
                                                const DeviceScale& scale) {
  if (slope != 0.0f || !int8::rectifies(scale)) activate_eight(values, slope);
  int8::store_rounded(to, values, scale);
}

/// Adds bias or start sums and residual, activates, and writes a thread's pieces. `Traits` loads and stores
/// eight elements as floats.
template <class Traits, int kColumns>
BACKDROP_HOST_DEVICE void finish_pieces(const ConvolutionArguments& a, const Place& place,
                                        const float* result, int thread) {
  using Element = typename Traits::Element;
  using End = PositionEnd<Element>;
  const Pieces<kColumns> first(a, place, thread);
  const int column = first.column();
  finish_each<Element>(
      a, first, result,
      [&](const End& end, int, float* added) {
        load_eight(end.start < 0 ? a.bias + column : start_sums<float>(a, end.start, column), added);
      },
      [&](const StoredPiece<Element>& residual, std::int64_t offset, float* sums) {
        if (a.work.residual != nullptr) add_stored<Traits>(residual, sums);
        if (a.output.kind == DotOutput::stored && a.scales.stored == StoredAs::bytes)
          return store_activated_bytes(static_cast<std::uint8_t*>(a.output.base) + offset, sums, a.slope,
                                       a.scales.output);
        if (a.output.kind == DotOutput::stored)
          return store_activated<Traits>(static_cast<Element*>(a.output.base) + offset, sums, a.slope);
        activate_eight(sums, a.slope);
        store_eight(static_cast<float*>(a.output.base) + offset, sums);
      });
}

}  // namespace backdrop::kernels::tile
