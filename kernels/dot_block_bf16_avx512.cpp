// Products of bfloat16, two a lane and instruction.
#include <immintrin.h>

#include <array>
#include <type_traits>
#include <utility>

#include "kernels/dot_block.h"
#include "kernels/float_sums_avx512.h"
#include "kernels/stored_lanes_avx512.h"

namespace backdrop::kernels {
namespace {

struct D : FloatSums {
  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(values), reinterpret_cast<__m512bh>(weights));
  }
};

#include "kernels/dot_block.inl"

}  // namespace

DotBlock dot_block_bf16_avx512() {
  return {run_dots, kDotRows, kColumns, kColumns};
}

}  // namespace backdrop::kernels
