#include <immintrin.h>

#include "kernels/peak_loop.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {
namespace {

struct D {
  static constexpr int kProducts = 32;  // an instruction
  using Sum = __m512;

  static Sum start(float value) { return _mm512_set1_ps(value); }
  static __m512i constant(int value) {
    return _mm512_set1_epi16(static_cast<std::int16_t>(to_bf16(static_cast<float>(value))));
  }
  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(values), reinterpret_cast<__m512bh>(weights));
  }
  static float total(Sum sum) { return _mm512_reduce_add_ps(sum); }
};

#include "kernels/dot_peak_loop.inl"

}  // namespace

std::int64_t peak_loop_bf16_avx512(std::int64_t rounds, float* sink) {
  return dot_peak_loop<D>(rounds, sink);
}

}  // namespace backdrop::kernels
