// The transforms around products of bfloat16.
#include <cstddef>

#include "kernels/vector_avx512.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

#include "kernels/winograd_transform.inl"

struct Halves {
  using Element = Bf16;
  static V load(const void* from, std::ptrdiff_t at, int count, const ValueScale&) {
    const __m256i stored = load_lanes(static_cast<const Bf16*>(from) + at, count);
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(stored), 16))};
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale&) {
    store_lanes(static_cast<Bf16*>(to) + at, count,
                reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value.value)));
  }
};

struct Bytes {
  using Element = std::uint8_t;
  static V load(const void* from, std::ptrdiff_t at, int count, const ValueScale& scale) {
    const __m128i stored = load_lanes(static_cast<const std::uint8_t*>(from) + at, count);
    const __m512 real = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(stored));
    return {_mm512_mul_ps(_mm512_sub_ps(real, _mm512_set1_ps(scale.zero)), _mm512_set1_ps(scale.scale))};
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale& scale) {
    const __m512 stored =
        _mm512_fmadd_ps(value.value, _mm512_set1_ps(1.0f / scale.scale), _mm512_set1_ps(scale.zero));
    const __m512 bounded = _mm512_min_ps(_mm512_max_ps(stored, _mm512_setzero_ps()), _mm512_set1_ps(255.0f));
    store_lanes(static_cast<std::uint8_t*>(to) + at, count,
                _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(bounded)));
  }
};

}  // namespace

WinogradTransforms reduced_transforms_avx512(Precision stored) {
  if (stored == Precision::int8) return {transform_input<Bytes, Halves>, transform_output<Bytes>};
  return {transform_input<Halves, Halves>, transform_output<Halves>};
}

}  // namespace backdrop::kernels
