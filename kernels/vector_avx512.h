/// \file
/// Sixteen floats of AVX-512. Only for files compiled for it: the type lives in an unnamed namespace on
/// purpose, so that no function of it is ever shared with a file compiled for another instruction set.
#pragma once

#include <immintrin.h>

#include "kernels/lanes_avx512.h"

namespace backdrop::kernels {
namespace {

struct V {
  static constexpr int kLanes = 16;
  __m512 value;

  static V load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static V load_first(const float* from, int count) { return {load_lanes(from, count)}; }
  static V broadcast(const float* from) { return {_mm512_set1_ps(*from)}; }
  static V constant(float value) { return {_mm512_set1_ps(value)}; }
  static V zero() { return {_mm512_setzero_ps()}; }
  static V add(V a, V b) { return {_mm512_add_ps(a.value, b.value)}; }
  static V subtract(V a, V b) { return {_mm512_sub_ps(a.value, b.value)}; }
  static V multiply(V a, V b) { return {_mm512_mul_ps(a.value, b.value)}; }
  static V multiply_add(V a, V b, V c) { return {_mm512_fmadd_ps(a.value, b.value, c.value)}; }
  // Of lanes that hold 32-bit integers.
  static V from_integers(V lanes) { return {_mm512_cvtepi32_ps(_mm512_castps_si512(lanes.value))}; }
  static void accumulate(V& sum, V a, V b) { sum = multiply_add(a, b, sum); }
  static V activate(V x, V slope) {
    const __mmask16 negative = _mm512_cmp_ps_mask(x.value, _mm512_setzero_ps(), _CMP_LT_OQ);
    return {_mm512_mask_mul_ps(x.value, negative, x.value, slope.value)};
  }
  void store_first(float* to, int count) const { store_lanes(to, count, value); }
};

}  // namespace
}  // namespace backdrop::kernels
