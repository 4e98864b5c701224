/// \file
/// Eight floats of AVX2. Only for files compiled for it: the type lives in an unnamed namespace on purpose,
/// so that no function of it is ever shared with a file compiled for another instruction set.
#pragma once

#include <immintrin.h>

namespace backdrop::kernels {
namespace {

struct V {
  static constexpr int kLanes = 8;
  __m256 value;

  static V load(const float* from) { return {_mm256_loadu_ps(from)}; }
  // Whole vectors without a mask: some processors are slow to store with one.
  static V load_first(const float* from, int count) {
    return count == kLanes ? load(from) : V{_mm256_maskload_ps(from, mask(count))};
  }
  static V broadcast(const float* from) { return {_mm256_broadcast_ss(from)}; }
  static V constant(float value) { return {_mm256_set1_ps(value)}; }
  static V zero() { return {_mm256_setzero_ps()}; }
  static V add(V a, V b) { return {_mm256_add_ps(a.value, b.value)}; }
  static V subtract(V a, V b) { return {_mm256_sub_ps(a.value, b.value)}; }
  static V multiply(V a, V b) { return {_mm256_mul_ps(a.value, b.value)}; }
  static V multiply_add(V a, V b, V c) { return {_mm256_fmadd_ps(a.value, b.value, c.value)}; }
  // Of lanes that hold 32-bit integers.
  static V from_integers(V lanes) { return {_mm256_cvtepi32_ps(_mm256_castps_si256(lanes.value))}; }
  // By hand: of several in a row the compiler writes some over a factor, and copies sums to and fro for it.
  static void accumulate(V& sum, V a, V b) {
    asm("vfmadd231ps %2, %1, %0" : "+x"(sum.value) : "x"(a.value), "x"(b.value));
  }
  // The greater of both: a slope is at most 1. The second operand where either is not a number: infinity
  // times 0 is none.
  static V activate(V x, V slope) { return {_mm256_max_ps(_mm256_mul_ps(x.value, slope.value), x.value)}; }
  void store_first(float* to, int count) const {
    if (count == kLanes) return _mm256_storeu_ps(to, value);
    _mm256_maskstore_ps(to, mask(count), value);
  }
  static __m256i mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

}  // namespace
}  // namespace backdrop::kernels
