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

/// How residuals are read and values stored in bytes, or as e4m3.
struct BytesEnd {
  using Element = std::uint8_t;

  BACKDROP_HOST_DEVICE static void add(const StoredPiece<Element>& residual, const ConvolutionScales& scales,
                                       float* values) {
    float added[kPieceColumns];
    int8::widen(residual.words, scales.residual.zero, added);
    BACKDROP_UNROLL
    for (int k = 0; k < kPieceColumns; ++k) values[k] = fmaf(added[k], scales.residual.scale, values[k]);
  }
  BACKDROP_HOST_DEVICE static void store(Element* to, float* values, const ConvolutionArguments& a) {
    if (a.scales.stored == StoredAs::e4m3)
      e4m3::store_activated(to, a.scales.output.inverse, values, a.slope);
    else
      store_activated_bytes(to, values, a.slope, a.scales.output);
  }
};

/// The same where both are the floats of `Traits`.
template <class Traits>
struct FloatsEnd {
  using Element = typename Traits::Element;

  BACKDROP_HOST_DEVICE static void add(const StoredPiece<Element>& residual, const ConvolutionScales&,
                                       float* values) {
    add_stored<Traits>(residual, values);
  }
  BACKDROP_HOST_DEVICE static void store(Element* to, float* values, const ConvolutionArguments& a) {
    store_activated<Traits>(to, values, a.slope);
  }
};

template <class End, int kColumns>
BACKDROP_HOST_DEVICE void finish_int8_as(const ConvolutionArguments& a, const Place& place,
                                         const std::int32_t* result, int thread) {
  using Element = typename End::Element;
  const Pieces<kColumns> first(a, place, thread);
  if (!first.exists()) return;
  const int column = first.column();
  float scale[kPieceColumns];
  float bias[kPieceColumns];
  load_eight(a.scales.scale + column, scale);
  load_eight(a.bias + column, bias);
  finish_each<Element>(
      a, first, result,
      [&](const PositionEnd<Element>& end, int position, std::int32_t* added) {
        if (end.start >= 0) load_eight(start_sums<std::int32_t>(a, end.start, column), added);
        add_corrections(a, position, column, added);
      },
      [&](const StoredPiece<Element>& residual, std::int64_t offset, const std::int32_t* sums) {
        if (a.output.kind == DotOutput::sums)
          return store_eight(static_cast<std::int32_t*>(a.output.base) + offset, sums);
        float values[kPieceColumns];
        BACKDROP_UNROLL
        for (int k = 0; k < kPieceColumns; ++k)
          values[k] = fmaf(static_cast<float>(sums[k]), scale[k], bias[k]);
        if (a.work.residual != nullptr) End::add(residual, a.scales, values);
        if (a.output.kind == DotOutput::stored)
          return End::store(static_cast<Element*>(a.output.base) + offset, values, a);
        activate_eight(values, a.slope);
        store_eight(static_cast<float*>(a.output.base) + offset, values);
      });
}

/// As finish_pieces, from sums of whole numbers. Start sums are such sums too, without the bias. `Halves` are
/// fp16's traits.
template <class Halves, int kColumns>
BACKDROP_HOST_DEVICE void finish_int8_pieces(const ConvolutionArguments& a, const Place& place,
                                             const std::int32_t* result, int thread) {
  if (a.scales.stored == StoredAs::halves)
    finish_int8_as<FloatsEnd<Halves>, kColumns>(a, place, result, thread);
  else
    finish_int8_as<BytesEnd, kColumns>(a, place, result, thread);
}

}  // namespace backdrop::kernels::tile
