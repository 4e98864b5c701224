/// \file
/// Sixteen sums of integer products, as dot_block.inl wants them. Only for files compiled for AVX-512, and in
/// an unnamed namespace for the reason that vector_avx512.h gives.
#pragma once

#include "kernels/dot_block.h"
#include "kernels/lanes_avx512.h"

namespace backdrop::kernels {
namespace {

struct IntegerSums {
  using Sum = __m512i;

  static Sum load_start(const void* start, int lane) {
    return start != nullptr ? _mm512_loadu_si512(static_cast<const std::int32_t*>(start) + lane)
                            : _mm512_setzero_si512();
  }
  static Sum correct(Sum sum, const std::int32_t* correction) {
    return _mm512_add_epi32(sum, _mm512_loadu_si512(correction));
  }
  static void store_sums(void* row, std::ptrdiff_t place, int valid, Sum sum) {
    store_lanes(static_cast<std::int32_t*>(row) + place, valid, sum);
  }

  /// What becomes of the sums of 16 columns.
  struct Line {
    Line(const DotArguments& a, int lane)
        : scale(_mm512_loadu_ps(a.scale + lane)), bias(_mm512_loadu_ps(a.bias + lane)) {}
    __m512 real(Sum sum) const { return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, bias); }
    __m512 scale;
    __m512 bias;
  };
};

}  // namespace
}  // namespace backdrop::kernels
