#include <immintrin.h>

#include "kernels/peak_loop.h"

namespace backdrop::kernels {

// As dot_peak_loop.inl, of a product and a sum that are instructions of their own. The loops are unrolled so
// that the sums stay in registers.
std::int64_t peak_loop_int16_avx2(std::int64_t rounds, float* sink) {
  constexpr int kSums = 12;
  constexpr int kRepeats = 16;
  constexpr int kProducts = 16;  // an instruction
  __m256i sums[kSums];
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) sums[i] = _mm256_set1_epi32(i + static_cast<int>(*sink));
  const __m256i weights = _mm256_set1_epi16(2);
  for (std::int64_t round = 0; round < rounds; ++round)
    for (int repeat = 0; repeat < kRepeats; ++repeat)
#pragma GCC unroll 16
      for (int i = 0; i < kSums; ++i)
        sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(sums[i], weights));
  __m256i total = _mm256_setzero_si256();
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) total = _mm256_or_si256(total, sums[i]);
  *sink = static_cast<float>(_mm256_extract_epi32(total, 0) & 1);
  return rounds * kRepeats * kSums * kProducts;
}

}  // namespace backdrop::kernels
