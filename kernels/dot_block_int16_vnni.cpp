// Products of 16-bit integers, two a lane and instruction.
#include <immintrin.h>

#include <array>
#include <type_traits>
#include <utility>

#include "kernels/dot_block.h"
#include "kernels/integer_sums_avx512.h"
#include "kernels/stored_lanes_avx512.h"

namespace backdrop::kernels {
namespace {

struct D : IntegerSums {
  using Element = std::int16_t;

  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpwssd_epi32(sum, values, weights);
  }
};

#include "kernels/dot_block.inl"

}  // namespace

DotBlock dot_block_int16_vnni() {
  return {run_dots, kDotRows, kColumns, kColumns};
}

}  // namespace backdrop::kernels
