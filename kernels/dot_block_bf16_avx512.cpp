// Products of bfloat16, two a lane and instruction.
#include <immintrin.h>

#include <type_traits>

#include "kernels/dot_block.h"
#include "kernels/stored_lanes_avx512.h"

namespace backdrop::kernels {
namespace {

struct D {
  using Element = Bf16;
  using Sum = __m512;

  static Sum load_start(const void* start, int lane) {
    return start != nullptr ? _mm512_loadu_ps(static_cast<const float*>(start) + lane) : _mm512_setzero_ps();
  }
  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(values), reinterpret_cast<__m512bh>(weights));
  }
  static Sum correct(Sum sum, const std::int32_t*) { return sum; }
  static void store_sums(void* row, std::ptrdiff_t place, int valid, Sum sum) {
    store_lanes(static_cast<float*>(row) + place, valid, sum);
  }
  static __m512 real(Sum sum, const DotArguments& a, int lane) {
    return _mm512_add_ps(sum, _mm512_loadu_ps(a.bias + lane));
  }
};

#include "kernels/dot_block.inl"

}  // namespace

DotBlock dot_block_bf16_avx512() {
  return {dispatch_dot, kDotRows, kColumns, kColumns};
}

}  // namespace backdrop::kernels
