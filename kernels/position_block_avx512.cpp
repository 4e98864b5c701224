// 4 rows x 4 vectors of 16 floats: 16 accumulators, 4 weights, broadcasts straight from memory.
#include <immintrin.h>

#include <cstddef>

#include "kernels/position_block.h"

namespace backdrop::kernels {
namespace {

struct V {
  static constexpr int kLanes = 16;
  __m512 value;

  static V load(const float* from) { return {_mm512_loadu_ps(from)}; }
  static V load_first(const float* from, int count) { return {_mm512_maskz_loadu_ps(mask(count), from)}; }
  static V broadcast(const float* from) { return {_mm512_set1_ps(*from)}; }
  static V add(V a, V b) { return {_mm512_add_ps(a.value, b.value)}; }
  static V multiply_add(V a, V b, V c) { return {_mm512_fmadd_ps(a.value, b.value, c.value)}; }
  static V activate(V x, V slope) {
    const __mmask16 negative = _mm512_cmp_ps_mask(x.value, _mm512_setzero_ps(), _CMP_LT_OQ);
    return {_mm512_mask_mul_ps(x.value, negative, x.value, slope.value)};
  }
  void store_first(float* to, int count) const { _mm512_mask_storeu_ps(to, mask(count), value); }
  static __mmask16 mask(int count) { return static_cast<__mmask16>((1u << count) - 1); }
};

#include "kernels/position_block.inl"

}  // namespace

void block_avx512(const BlockArguments& arguments, int rows) {
  switch (arguments.width / V::kLanes) {
    case 1:
      return dispatch_rows<1>(arguments, rows, 0);
    case 2:
      return dispatch_rows<2>(arguments, rows, 0);
    case 3:
      return dispatch_rows<3>(arguments, rows, 0);
    default:
      return dispatch_rows<4>(arguments, rows, 0);
  }
}

}  // namespace backdrop::kernels
