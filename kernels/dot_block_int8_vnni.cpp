// Unsigned 8-bit inputs times signed 8-bit weights, four products a lane and instruction.
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
  using Element = std::uint8_t;

  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpbusd_epi32(sum, values, weights);
  }
};

#include "kernels/dot_block.inl"

}  // namespace

DotBlock dot_block_int8_vnni() {
  return {run_dots, kDotRows, kColumns, kColumns};
}

}  // namespace backdrop::kernels
