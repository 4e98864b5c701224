/// \file
/// The forms of reduced_value.h sixteen at a time: activations to and from floats. Only for files compiled
/// for AVX-512 with BW, VL and BF16 (and entered without BF16 where nothing is stored as bfloat16), and in an
/// unnamed namespace for the reason that vector_avx512.h gives.
#pragma once

#include "kernels/lanes_avx512.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {
namespace {

struct HalfLanes {
  using Element = Bf16;
  static __m512 load(const Element* from, int count, const ValueScale&) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_lanes(from, count)), 16));
  }
  static __m512 add(__m512 value, const Element* from, int count, const ValueScale& scale) {
    return _mm512_add_ps(value, load(from, count, scale));
  }
  static void store(Element* to, int count, __m512 value, const ValueScale&) {
    store_lanes(to, count, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
  }
};

struct ShortLanes {
  using Element = std::int16_t;
  static __m512 load(const Element* from, int count, const ValueScale& scale) {
    return _mm512_mul_ps(stored(from, count), _mm512_set1_ps(scale.scale));
  }
  static __m512 add(__m512 value, const Element* from, int count, const ValueScale& scale) {
    return _mm512_fmadd_ps(stored(from, count), _mm512_set1_ps(scale.scale), value);
  }
  static void store(Element* to, int count, __m512 value, const ValueScale& scale) {
    const float most = static_cast<float>(kInt16Most);
    const __m512 units = _mm512_mul_ps(value, _mm512_set1_ps(1.0f / scale.scale));
    store_whole(to, count, _mm512_min_ps(_mm512_max_ps(units, _mm512_set1_ps(-most)), _mm512_set1_ps(most)));
  }
  /// To the nearest of all 16-bit numbers: for what is known to be within a range of its own.
  static void store_whole(Element* to, int count, __m512 units) {
    store_lanes(reinterpret_cast<std::uint16_t*>(to), count,
                _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(units)));
  }

 private:
  static __m512 stored(const Element* from, int count) {
    const __m256i whole = load_lanes(reinterpret_cast<const std::uint16_t*>(from), count);
    return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(whole));
  }
};

struct ByteLanes {
  using Element = std::uint8_t;
  static __m512 load(const Element* from, int count, const ValueScale& scale) {
    return _mm512_mul_ps(from_zero(from, count, scale), _mm512_set1_ps(scale.scale));
  }
  static __m512 add(__m512 value, const Element* from, int count, const ValueScale& scale) {
    return _mm512_fmadd_ps(from_zero(from, count, scale), _mm512_set1_ps(scale.scale), value);
  }
  static void store(Element* to, int count, __m512 value, const ValueScale& scale) {
    const __m512 stored =
        _mm512_fmadd_ps(value, _mm512_set1_ps(1.0f / scale.scale), _mm512_set1_ps(scale.zero));
    const __m512 bounded = _mm512_min_ps(_mm512_max_ps(stored, _mm512_setzero_ps()), _mm512_set1_ps(255.0f));
    store_lanes(to, count, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(bounded)));
  }

 private:
  static __m512 from_zero(const Element* from, int count, const ValueScale& scale) {
    const __m512i stored = _mm512_cvtepu8_epi32(load_lanes(from, count));
    return _mm512_sub_ps(_mm512_cvtepi32_ps(stored), _mm512_set1_ps(scale.zero));
  }
};

}  // namespace
}  // namespace backdrop::kernels
