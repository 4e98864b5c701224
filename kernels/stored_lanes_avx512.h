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
  struct Scale {
    Scale(const ValueScale&) {}  // NOLINT(google-explicit-constructor)
  };
  static __m512 load(const Element* from, int count, const Scale&) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_lanes(from, count)), 16));
  }
  static __m512 add(__m512 value, const Element* from, int count, const Scale& scale) {
    return _mm512_add_ps(value, load(from, count, scale));
  }
  static void store(Element* to, int count, __m512 value, const Scale&) {
    store_lanes(to, count, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
  }
};

struct ShortLanes {
  using Element = std::int16_t;
  struct Scale {
    Scale(const ValueScale& scale)  // NOLINT(google-explicit-constructor)
        : unit(_mm512_set1_ps(scale.scale)), units(_mm512_set1_ps(1.0f / scale.scale)) {}
    __m512 unit;
    __m512 units;  // in one
  };
  static __m512 load(const Element* from, int count, const Scale& scale) {
    return _mm512_mul_ps(stored(from, count), scale.unit);
  }
  static __m512 add(__m512 value, const Element* from, int count, const Scale& scale) {
    return _mm512_fmadd_ps(stored(from, count), scale.unit, value);
  }
  static void store(Element* to, int count, __m512 value, const Scale& scale) {
    const float most = static_cast<float>(kInt16Most);
    const __m512 units = _mm512_mul_ps(value, scale.units);
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
  struct Scale {
    Scale(const ValueScale& scale)  // NOLINT(google-explicit-constructor)
        : unit(_mm512_set1_ps(scale.scale)),
          units(_mm512_set1_ps(1.0f / scale.scale)),
          zero(_mm512_set1_ps(scale.zero)) {}
    __m512 unit;
    __m512 units;  // in one
    __m512 zero;
  };
  static __m512 load(const Element* from, int count, const Scale& scale) {
    return _mm512_mul_ps(from_zero(from, count, scale), scale.unit);
  }
  static __m512 add(__m512 value, const Element* from, int count, const Scale& scale) {
    return _mm512_fmadd_ps(from_zero(from, count, scale), scale.unit, value);
  }
  static void store(Element* to, int count, __m512 value, const Scale& scale) {
    const __m512 stored = _mm512_max_ps(_mm512_fmadd_ps(value, scale.units, scale.zero), _mm512_setzero_ps());
    store_lanes(to, count, _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(stored)));
  }

 private:
  static __m512 from_zero(const Element* from, int count, const Scale& scale) {
    const __m512i stored = _mm512_cvtepu8_epi32(load_lanes(from, count));
    return _mm512_sub_ps(_mm512_cvtepi32_ps(stored), scale.zero);
  }
};

}  // namespace
}  // namespace backdrop::kernels
