/// \file
/// The 16-bit form of reduced_value.h eight at a time: activations to and from floats. Only for files
/// compiled for AVX2, and in an unnamed namespace for the reason that vector_avx2.h gives.
#pragma once

#include <cstdint>

#include "kernels/reduced_value.h"
#include "kernels/vector_avx2.h"

namespace backdrop::kernels {
namespace {

struct ShortLanes {
  using Element = std::int16_t;
  struct Scale {
    Scale(const ValueScale& scale)  // NOLINT(google-explicit-constructor)
        : unit(_mm256_set1_ps(scale.scale)), units(_mm256_set1_ps(1.0f / scale.scale)) {}
    __m256 unit;
    __m256 units;  // in one
  };
  static V load(const Element* from, int count, const Scale& scale) {
    return {_mm256_mul_ps(stored(from, count), scale.unit)};
  }
  static V add(V value, const Element* from, int count, const Scale& scale) {
    return {_mm256_fmadd_ps(stored(from, count), scale.unit, value.value)};
  }
  static void store(Element* to, int count, V value, const Scale& scale) {
    const __m256 most = _mm256_set1_ps(static_cast<float>(kInt16Most));
    const __m256 units = _mm256_mul_ps(value.value, scale.units);
    const __m256 bounded =
        _mm256_min_ps(_mm256_max_ps(units, _mm256_sub_ps(_mm256_setzero_ps(), most)), most);
    store_whole(to, count, bounded);
  }
  /// Two vectors at a time, to the same numbers. What is too large is cut off before it becomes whole; what
  /// is too small, and what is not a number, is then the least of all.
  static void store_pair(Element* to, const V (&values)[2], const Scale& scale) {
    const __m256 most = _mm256_set1_ps(static_cast<float>(kInt16Most));
    const auto whole = [&](V value) {
      return _mm256_cvtps_epi32(_mm256_min_ps(most, _mm256_mul_ps(value.value, scale.units)));
    };
    const __m256i quarters = _mm256_packs_epi32(whole(values[0]), whole(values[1]));
    const __m256i packed = _mm256_permute4x64_epi64(quarters, _MM_SHUFFLE(3, 1, 2, 0));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm256_max_epi16(packed, _mm256_set1_epi16(-kInt16Most)));
  }
  /// To the nearest of all 16-bit numbers: for what is known to be within a range of its own.
  static void store_whole(Element* to, int count, __m256 units) {
    const __m256i whole = _mm256_cvtps_epi32(units);
    const __m128i packed = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    if (count == V::kLanes) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), packed);
    __builtin_memcpy(to, &packed, static_cast<unsigned>(count) * sizeof(Element));
  }

 private:
  static __m256 stored(const Element* from, int count) {
    __m128i whole = _mm_setzero_si128();
    if (count == V::kLanes)
      whole = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    else
      __builtin_memcpy(&whole, from, static_cast<unsigned>(count) * sizeof(Element));
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(whole));
  }
};

}  // namespace
}  // namespace backdrop::kernels
