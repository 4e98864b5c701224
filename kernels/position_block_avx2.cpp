// 4 rows x 2 vectors of 8 floats, over the panel 16 columns at a time: 8 accumulators of the 16 registers.
#include <immintrin.h>

#include <cstddef>

#include "kernels/position_block.h"

namespace backdrop::kernels {
namespace {

struct V {
  static constexpr int kLanes = 8;
  __m256 value;

  static V load(const float* from) { return {_mm256_loadu_ps(from)}; }
  static V load_first(const float* from, int count) { return {_mm256_maskload_ps(from, mask(count))}; }
  static V broadcast(const float* from) { return {_mm256_broadcast_ss(from)}; }
  static V add(V a, V b) { return {_mm256_add_ps(a.value, b.value)}; }
  static V multiply_add(V a, V b, V c) { return {_mm256_fmadd_ps(a.value, b.value, c.value)}; }
  static V activate(V x, V slope) {
    const __m256 negative = _mm256_cmp_ps(x.value, _mm256_setzero_ps(), _CMP_LT_OQ);
    return {_mm256_blendv_ps(x.value, _mm256_mul_ps(x.value, slope.value), negative)};
  }
  void store_first(float* to, int count) const { _mm256_maskstore_ps(to, mask(count), value); }
  static __m256i mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

#include "kernels/position_block.inl"

}  // namespace

void block_avx2(const BlockArguments& arguments, int rows) {
  for (int skip = 0; skip < arguments.width; skip += 2 * V::kLanes) dispatch_rows<2>(arguments, rows, skip);
}

}  // namespace backdrop::kernels
