/// \file
/// The first `count` of sixteen lanes, to and from memory, and their activation. All sixteen go without a
/// mask: some processors are slow to store with one. Only for files compiled for AVX-512 (halves and bytes:
/// with BW and VL), and in an unnamed namespace for the reason that vector_avx512.h gives.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace backdrop::kernels {
namespace {

inline constexpr int kWholeVector = 16;

inline __mmask16 first_lanes(int count) {
  return static_cast<__mmask16>((1u << count) - 1);
}

/// With a slope of 0 to 1.
inline __m512 activate(__m512 value, __m512 slope) {
  return _mm512_max_ps(_mm512_mul_ps(value, slope), value);
}

inline __m512 load_lanes(const float* from, int count) {
  return count == kWholeVector ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(first_lanes(count), from);
}

inline void store_lanes(float* to, int count, __m512 value) {
  if (count == kWholeVector) return _mm512_storeu_ps(to, value);
  _mm512_mask_storeu_ps(to, first_lanes(count), value);
}

inline void store_lanes(std::int32_t* to, int count, __m512i value) {
  if (count == kWholeVector) return _mm512_storeu_si512(to, value);
  _mm512_mask_storeu_epi32(to, first_lanes(count), value);
}

#if defined(__AVX512BW__) && defined(__AVX512VL__)
inline __m256i load_lanes(const std::uint16_t* from, int count) {
  return count == kWholeVector ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))
                               : _mm256_maskz_loadu_epi16(first_lanes(count), from);
}

inline __m128i load_lanes(const std::uint8_t* from, int count) {
  return count == kWholeVector ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(from))
                               : _mm_maskz_loadu_epi8(first_lanes(count), from);
}

inline void store_lanes(std::uint16_t* to, int count, __m256i value) {
  if (count == kWholeVector) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
  _mm256_mask_storeu_epi16(to, first_lanes(count), value);
}

inline void store_lanes(std::uint8_t* to, int count, __m128i value) {
  if (count == kWholeVector) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
  _mm_mask_storeu_epi8(to, first_lanes(count), value);
}
#endif

}  // namespace
}  // namespace backdrop::kernels
