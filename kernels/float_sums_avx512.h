/// \file
/// Sixteen sums of products of bfloat16, as dot_block.inl wants them. Only for files compiled for AVX-512,
/// and in an unnamed namespace for the reason that vector_avx512.h gives.
#pragma once

#include "kernels/dot_block.h"
#include "kernels/lanes_avx512.h"

namespace backdrop::kernels {
namespace {

struct FloatSums {
  using Element = Bf16;
  using Sum = __m512;

  static Sum load_start(const void* start, int lane) {
    return start != nullptr ? _mm512_loadu_ps(static_cast<const float*>(start) + lane) : _mm512_setzero_ps();
  }
  static Sum correct(Sum sum, const std::int32_t*) { return sum; }
  static void store_sums(void* row, std::ptrdiff_t place, int valid, Sum sum) {
    store_lanes(static_cast<float*>(row) + place, valid, sum);
  }

  struct Line {
    Line(const DotArguments& a, int lane) : bias(_mm512_loadu_ps(a.bias + lane)) {}
    __m512 real(Sum sum) const { return _mm512_add_ps(sum, bias); }
    __m512 bias;
  };
};

}  // namespace
}  // namespace backdrop::kernels
