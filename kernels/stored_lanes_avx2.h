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
  static V load(const Element* from, int count, const ValueScale& scale) {
    return {_mm256_mul_ps(stored(from, count), _mm256_set1_ps(scale.scale))};
  }
  static V add(V value, const Element* from, int count, const ValueScale& scale) {
    return {_mm256_fmadd_ps(stored(from, count), _mm256_set1_ps(scale.scale), value.value)};
  }
  static void store(Element* to, int count, V value, const ValueScale& scale) {
    const __m256 most = _mm256_set1_ps(static_cast<float>(kInt16Most));
    const __m256 units = _mm256_mul_ps(value.value, _mm256_set1_ps(1.0f / scale.scale));
    const __m256 bounded =
        _mm256_min_ps(_mm256_max_ps(units, _mm256_sub_ps(_mm256_setzero_ps(), most)), most);
    store_whole(to, count, bounded);
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
