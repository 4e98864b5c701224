/// \file
/// The forms of reduced_value.h sixteen at a time: activations to and from floats. Only for files compiled
/// for AVX-512 with BW, VL and BF16 (and entered without BF16 where nothing is stored as bfloat16), and in an
/// unnamed namespace for the reason that vector_avx512.h gives.
#pragma once

#include "kernels/lanes_avx512.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {
namespace {

// Each form: `add` to a real value what is stored; `store` real values. `add_line`, where the scale's zero is
// 0, and `store_line` take the kInLine vectors of 64 bytes or of two times 64.

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
  static constexpr int kInLine = 2;
  static void add_line(__m512* values, const Element* from, const Scale&) {
    alignas(64) static constexpr std::int16_t kPlaces[kInLine][32] = {
        {0, 0, 0, 1, 0, 2,  0, 3,  0, 4,  0, 5,  0, 6,  0, 7,
         0, 8, 0, 9, 0, 10, 0, 11, 0, 12, 0, 13, 0, 14, 0, 15},
        {0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23,
         0, 24, 0, 25, 0, 26, 0, 27, 0, 28, 0, 29, 0, 30, 0, 31}};
    const __m512i line = _mm512_loadu_si512(from);
    for (int v = 0; v < kInLine; ++v) {
      const __m512i upper =
          _mm512_maskz_permutexvar_epi16(kUpperHalves, _mm512_loadu_si512(kPlaces[v]), line);
      values[v] = _mm512_add_ps(values[v], _mm512_castsi512_ps(upper));
    }
  }
  static void store_line(Element* to, const __m512* values, const Scale&) {
    _mm512_storeu_si512(to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(values[1], values[0])));
  }

 private:
  static constexpr __mmask32 kUpperHalves = 0xaaaaaaaa;
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
  static constexpr int kInLine = 2;
  static void add_line(__m512* values, const Element* from, const Scale& scale) {
    for (int v = 0; v < kInLine; ++v)
      values[v] = add(values[v], from + v * kWholeVector, kWholeVector, scale);
  }
  static void store_line(Element* to, const __m512* values, const Scale& scale) {
    for (int v = 0; v < kInLine; ++v) store(to + v * kWholeVector, kWholeVector, values[v], scale);
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
  static constexpr int kInLine = 4;
  static void add_line(__m512* values, const Element* from, const Scale& scale) {
    for (int v = 0; v < kInLine; ++v) {
      const __m512i stored = _mm512_cvtepu8_epi32(load_lanes(from + v * kWholeVector, kWholeVector));
      values[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(stored), scale.unit, values[v]);
    }
  }
  /// Of values below 2^31 units.
  static void store_line(Element* to, const __m512* values, const Scale& scale) {
    const __m512i low = _mm512_packs_epi32(units(values[0], scale), units(values[1], scale));
    const __m512i high = _mm512_packs_epi32(units(values[2], scale), units(values[3], scale));
    // Of each vector's quarters, one after the other.
    alignas(64) static constexpr std::int32_t kPlaces[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                             2, 6, 10, 14, 3, 7, 11, 15};
    _mm512_storeu_si512(
        to, _mm512_permutexvar_epi32(_mm512_loadu_si512(kPlaces), _mm512_packus_epi16(low, high)));
  }

 private:
  static __m512i units(__m512 value, const Scale& scale) {
    return _mm512_cvtps_epi32(_mm512_fmadd_ps(value, scale.units, scale.zero));
  }
  static __m512 from_zero(const Element* from, int count, const Scale& scale) {
    const __m512i stored = _mm512_cvtepu8_epi32(load_lanes(from, count));
    return _mm512_sub_ps(_mm512_cvtepi32_ps(stored), scale.zero);
  }
};

}  // namespace
}  // namespace backdrop::kernels
