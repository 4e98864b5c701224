/// \file
/// Stands in for the compiler's header of that name in files compiled for AVX2: the instructions of AVX-512
/// (F, BW, VL, VNNI and BF16) that the kernels use, lane by lane, as Intel's Intrinsics Guide describes them.
/// Rounding is to nearest. An instruction that is not here does not compile.
#pragma once
#pragma GCC system_header  // vectors of 64 bytes as arguments: warnings about an ABI that nothing else sees
#include_next <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#define __AVX512BW__ 1
#define __AVX512VL__ 1

namespace {
namespace emulated {

template <class Lane, class Vector>
using Lanes = std::array<Lane, sizeof(Vector) / sizeof(Lane)>;

template <class Lane, class Vector>
inline Lanes<Lane, Vector> lanes(Vector vector) {
  return std::bit_cast<Lanes<Lane, Vector>>(vector);
}

// The vector whose i-th lane is of(i).
template <class Vector, class Lane, class Of>
inline Vector make(const Of& of) {
  Lanes<Lane, Vector> result;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<Lane>(of(i));
  return std::bit_cast<Vector>(result);
}

template <class Of>
inline __m512 floats(const Of& of) {
  return make<__m512, float>(of);
}

template <class Of>
inline __m512i integers(const Of& of) {
  return make<__m512i, std::int32_t>(of);
}

template <class Vector, class Lane>
inline Vector load_first(unsigned mask, const void* from) {
  Lanes<Lane, Vector> result = {};
  for (std::size_t i = 0; i < result.size(); ++i)
    if (mask >> i & 1) std::memcpy(&result[i], static_cast<const Lane*>(from) + i, sizeof(Lane));
  return std::bit_cast<Vector>(result);
}

template <class Lane, class Vector>
inline void store_first(void* to, unsigned mask, Vector vector) {
  const Lanes<Lane, Vector> from = lanes<Lane>(vector);
  for (std::size_t i = 0; i < from.size(); ++i)
    if (mask >> i & 1) std::memcpy(static_cast<Lane*>(to) + i, &from[i], sizeof(Lane));
}

template <class Vector>
inline Vector load(const void* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <class Vector>
inline void store(void* to, Vector vector) {
  std::memcpy(to, &vector, sizeof vector);
}

inline __m512 set1(float value) {
  return floats([&](std::size_t) { return value; });
}

inline __m512i set1(std::int32_t value) {
  return integers([&](std::size_t) { return value; });
}

template <class Lane>
inline __m512i set1_of(int value) {
  return make<__m512i, Lane>([&](std::size_t) { return value; });
}

inline __m512i add(__m512i a, __m512i b) {
  const auto x = lanes<std::uint32_t>(a), y = lanes<std::uint32_t>(b);
  return integers([&](std::size_t i) { return x[i] + y[i]; });
}

inline __m512 fmadd(__m512 a, __m512 b, __m512 c) {
  const auto x = lanes<float>(a), y = lanes<float>(b), z = lanes<float>(c);
  return floats([&](std::size_t i) { return std::fma(x[i], y[i], z[i]); });
}

// The second operand where either is not a number.
inline __m512 max(__m512 a, __m512 b) {
  const auto x = lanes<float>(a), y = lanes<float>(b);
  return floats([&](std::size_t i) { return x[i] > y[i] ? x[i] : y[i]; });
}

inline __m512 min(__m512 a, __m512 b) {
  const auto x = lanes<float>(a), y = lanes<float>(b);
  return floats([&](std::size_t i) { return x[i] < y[i] ? x[i] : y[i]; });
}

template <int Predicate>
inline __mmask16 compare(__m512 a, __m512 b) {
  static_assert(Predicate == _CMP_LT_OQ);
  const auto x = lanes<float>(a), y = lanes<float>(b);
  unsigned mask = 0;
  for (std::size_t i = 0; i < x.size(); ++i) mask |= static_cast<unsigned>(x[i] < y[i]) << i;
  return static_cast<__mmask16>(mask);
}

inline __m512 mask_multiply(__m512 otherwise, __mmask16 mask, __m512 a, __m512 b) {
  const auto x = lanes<float>(a), y = lanes<float>(b), z = lanes<float>(otherwise);
  return floats([&](std::size_t i) { return (mask >> i & 1) != 0 ? x[i] * y[i] : z[i]; });
}

inline __m512i bits_of_both(__m512i a, __m512i b) {
  const auto x = lanes<std::uint32_t>(a), y = lanes<std::uint32_t>(b);
  return integers([&](std::size_t i) { return x[i] & y[i]; });
}

// Lane i is lane number places[i] of `a` followed by `b`.
inline __m512i choose_shorts(__m512i a, __m512i places, __m512i b) {
  const auto x = lanes<std::uint16_t>(a), from = lanes<std::uint16_t>(places), y = lanes<std::uint16_t>(b);
  return make<__m512i, std::uint16_t>([&](std::size_t i) {
    const std::size_t place = from[i] % (2 * x.size());
    return place < x.size() ? x[place] : y[place - x.size()];
  });
}

// Lane i is lane number places[i] of `a`, or 0 outside the mask.
template <class Lane>
inline __m512i choose(std::uint64_t mask, __m512i places, __m512i a) {
  const auto from = lanes<Lane>(places), x = lanes<Lane>(a);
  return make<__m512i, Lane>([&](std::size_t i) {
    return (mask >> i & 1) != 0 ? x[static_cast<std::size_t>(from[i]) % x.size()] : Lane{0};
  });
}

// Saturated, of each 16 bytes those of `a`, then those of `b`.
template <class Wide, class Narrow>
inline __m512i pack(__m512i a, __m512i b) {
  constexpr std::size_t kEach = 16 / sizeof(Wide);
  const auto x = lanes<Wide>(a), y = lanes<Wide>(b);
  return make<__m512i, Narrow>([&](std::size_t i) {
    const std::size_t part = i / (2 * kEach), place = i % (2 * kEach);
    const Wide value = place < kEach ? x[part * kEach + place] : y[part * kEach + place - kEach];
    return std::clamp<Wide>(value, std::numeric_limits<Narrow>::lowest(), std::numeric_limits<Narrow>::max());
  });
}

inline __m512i shift_left(__m512i a, int bits) {
  const auto x = lanes<std::uint32_t>(a);
  return integers([&](std::size_t i) { return x[i] << bits; });
}

template <class Lane, class Narrow>
inline __m512i widen(Narrow a) {
  const auto x = lanes<Lane>(a);
  return integers([&](std::size_t i) { return x[i]; });
}

inline __m512 to_floats(__m512i a) {
  const auto x = lanes<std::int32_t>(a);
  return floats([&](std::size_t i) { return x[i]; });
}

inline __m512i to_integers(__m512 a) {
  const auto x = lanes<float>(a);
  return integers([&](std::size_t i) { return std::nearbyint(x[i]); });
}

inline __m128i saturated_bytes(__m512i a) {
  const auto x = lanes<std::uint32_t>(a);
  return make<__m128i, std::uint8_t>([&](std::size_t i) { return std::min<std::uint32_t>(x[i], 255); });
}

inline __m256i saturated_shorts(__m512i a) {
  const auto x = lanes<std::int32_t>(a);
  return make<__m256i, std::int16_t>([&](std::size_t i) { return std::clamp(x[i], -32768, 32767); });
}

// Bfloat16, halfway cases to even; numbers too small to be normal become 0.
inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  if (std::fpclassify(value) == FP_SUBNORMAL) return static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline __m256bh to_bf16s(__m512 a) {
  const auto x = lanes<float>(a);
  return make<__m256bh, std::uint16_t>([&](std::size_t i) { return to_bf16(x[i]); });
}

// Those of `b` first.
inline __m512bh to_bf16s(__m512 a, __m512 b) {
  const auto x = lanes<float>(a), y = lanes<float>(b);
  return make<__m512bh, std::uint16_t>(
      [&](std::size_t i) { return to_bf16(i < y.size() ? y[i] : x[i - y.size()]); });
}

inline float from_bf16(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

// The upper of a pair first.
inline __m512 dot_bf16(__m512 sums, __m512bh a, __m512bh b) {
  const auto x = lanes<std::uint16_t>(a), y = lanes<std::uint16_t>(b);
  const auto z = lanes<float>(sums);
  return floats([&](std::size_t i) {
    const float upper = z[i] + from_bf16(x[2 * i + 1]) * from_bf16(y[2 * i + 1]);
    return upper + from_bf16(x[2 * i]) * from_bf16(y[2 * i]);
  });
}

// Sums of `Together` products a lane, which wrap around.
template <class A, class B>
inline __m512i dot(__m512i sums, __m512i a, __m512i b) {
  constexpr std::size_t kTogether = sizeof(std::int32_t) / sizeof(A);
  const auto x = lanes<A>(a);
  const auto y = lanes<B>(b);
  const auto z = lanes<std::uint32_t>(sums);
  return integers([&](std::size_t i) {
    std::uint32_t sum = z[i];
    for (std::size_t j = kTogether * i; j < kTogether * (i + 1); ++j)
      sum += static_cast<std::uint32_t>(std::int32_t{x[j]} * y[j]);
    return sum;
  });
}

inline float sum_of(__m512 a) {
  auto x = lanes<float>(a);
  for (std::size_t half = x.size() / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) x[i] += x[i + half];
  return x[0];
}

inline std::int32_t or_of(__m512i a) {
  std::int32_t result = 0;
  for (const std::int32_t lane : lanes<std::int32_t>(a)) result |= lane;
  return result;
}

}  // namespace emulated
}  // namespace

#undef _mm512_cmp_ps_mask
#undef _mm512_slli_epi32
#define _mm512_add_epi32 emulated::add
#define _mm512_add_ps(a, b) ((a) + (b))
#define _mm512_and_si512 emulated::bits_of_both
#define _mm512_castps_si512(a) std::bit_cast<__m512i>(a)
#define _mm512_castsi512_ps(a) std::bit_cast<__m512>(a)
#define _mm512_cmp_ps_mask(a, b, predicate) emulated::compare<predicate>(a, b)
#define _mm512_cvtepi16_epi32 emulated::widen<std::int16_t>
#define _mm512_cvtepi32_ps emulated::to_floats
#define _mm512_cvtepu16_epi32 emulated::widen<std::uint16_t>
#define _mm512_cvtepu8_epi32 emulated::widen<std::uint8_t>
#define _mm512_cvtne2ps_pbh emulated::to_bf16s
#define _mm512_cvtneps_pbh emulated::to_bf16s
#define _mm512_cvtps_epi32 emulated::to_integers
#define _mm512_cvtsepi32_epi16 emulated::saturated_shorts
#define _mm512_cvtusepi32_epi8 emulated::saturated_bytes
#define _mm512_dpbf16_ps emulated::dot_bf16
#define _mm512_dpbusd_epi32 emulated::dot<std::uint8_t, std::int8_t>
#define _mm512_dpwssd_epi32 emulated::dot<std::int16_t, std::int16_t>
#define _mm512_fmadd_ps emulated::fmadd
#define _mm512_loadu_ps emulated::load<__m512>
#define _mm512_loadu_si512 emulated::load<__m512i>
#define _mm512_mask_mul_ps emulated::mask_multiply
#define _mm512_mask_storeu_epi32 emulated::store_first<std::int32_t>
#define _mm512_mask_storeu_ps emulated::store_first<float>
#define _mm512_maskz_loadu_ps emulated::load_first<__m512, float>
#define _mm512_maskz_permutexvar_epi16 emulated::choose<std::uint16_t>
#define _mm512_max_ps emulated::max
#define _mm512_min_ps emulated::min
#define _mm512_mul_ps(a, b) ((a) * (b))
#define _mm512_packs_epi32 emulated::pack<std::int32_t, std::int16_t>
#define _mm512_packus_epi16 emulated::pack<std::int16_t, std::uint8_t>
#define _mm512_permutex2var_epi16 emulated::choose_shorts
#define _mm512_permutexvar_epi32(places, a) emulated::choose<std::uint32_t>(0xffff, places, a)
#define _mm512_reduce_add_ps emulated::sum_of
#define _mm512_reduce_or_epi32 emulated::or_of
#define _mm512_set1_epi16 emulated::set1_of<std::int16_t>
#define _mm512_set1_epi32(value) emulated::set1(std::int32_t{value})
#define _mm512_set1_epi8 emulated::set1_of<std::int8_t>
#define _mm512_set1_ps(value) emulated::set1(float{value})
#define _mm512_setzero_ps() \
  __m512 {}
#define _mm512_setzero_si512() \
  __m512i {}
#define _mm512_slli_epi32 emulated::shift_left
#define _mm512_storeu_ps emulated::store<__m512>
#define _mm512_storeu_si512 emulated::store<__m512i>
#define _mm512_sub_ps(a, b) ((a) - (b))
#define _mm256_mask_storeu_epi16 emulated::store_first<std::uint16_t>
#define _mm256_maskz_loadu_epi16 emulated::load_first<__m256i, std::uint16_t>
#define _mm_mask_storeu_epi8 emulated::store_first<std::uint8_t>
#define _mm_maskz_loadu_epi8 emulated::load_first<__m128i, std::uint8_t>
