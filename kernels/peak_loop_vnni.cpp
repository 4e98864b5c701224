#include <immintrin.h>

#include "kernels/peak_loop.h"

namespace backdrop::kernels {
namespace {

#include "kernels/dot_peak_loop.inl"

struct Integers {
  using Sum = __m512i;

  static Sum start(float value) { return _mm512_castps_si512(_mm512_set1_ps(value)); }
  static float total(Sum sum) { return static_cast<float>(_mm512_reduce_or_epi32(sum)); }
};

struct Bytes : Integers {
  static constexpr int kProducts = 64;  // an instruction
  static __m512i constant(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpbusd_epi32(sum, values, weights);
  }
};

struct Shorts : Integers {
  static constexpr int kProducts = 32;
  static __m512i constant(int value) { return _mm512_set1_epi16(static_cast<short>(value)); }
  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpwssd_epi32(sum, values, weights);
  }
};

}  // namespace

std::int64_t peak_loop_int8_vnni(std::int64_t rounds, float* sink) {
  return dot_peak_loop<Bytes>(rounds, sink);
}

std::int64_t peak_loop_int16_vnni(std::int64_t rounds, float* sink) {
  return dot_peak_loop<Shorts>(rounds, sink);
}

}  // namespace backdrop::kernels
