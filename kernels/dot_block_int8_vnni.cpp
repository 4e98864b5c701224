// Unsigned 8-bit inputs times signed 8-bit weights, four products a lane and instruction.
#include <immintrin.h>

#include <type_traits>

#include "kernels/dot_block.h"
#include "kernels/stored_lanes_avx512.h"

namespace backdrop::kernels {
namespace {

struct D {
  using Element = std::uint8_t;
  using Sum = __m512i;

  static Sum load_start(const void* start, int lane) {
    return start != nullptr ? _mm512_loadu_si512(static_cast<const std::int32_t*>(start) + lane)
                            : _mm512_setzero_si512();
  }
  static Sum multiply_add(Sum sum, __m512i values, __m512i weights) {
    return _mm512_dpbusd_epi32(sum, values, weights);
  }
  static Sum correct(Sum sum, const std::int32_t* correction) {
    return _mm512_add_epi32(sum, _mm512_loadu_si512(correction));
  }
  static void store_sums(void* row, std::ptrdiff_t place, int valid, Sum sum) {
    store_lanes(static_cast<std::int32_t*>(row) + place, valid, sum);
  }
  static __m512 real(Sum sum, const DotArguments& a, int lane) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(a.scale + lane),
                           _mm512_loadu_ps(a.bias + lane));
  }
};

#include "kernels/dot_block.inl"

}  // namespace

DotBlock dot_block_int8_vnni() {
  return {dispatch_dot, kDotRows, kColumns, kColumns};
}

}  // namespace backdrop::kernels
