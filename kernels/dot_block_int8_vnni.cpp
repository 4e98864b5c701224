// Unsigned 8-bit inputs times signed 8-bit weights, four products a lane and instruction.
#include <immintrin.h>

#include "kernels/dot_block.h"

namespace backdrop::kernels {
namespace {

inline __mmask16 first_lanes(int count) {
  return static_cast<__mmask16>((1u << count) - 1);
}

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
    _mm512_mask_storeu_epi32(static_cast<std::int32_t*>(row) + place, first_lanes(valid), sum);
  }
  static __m512 real(Sum sum, const DotArguments& a, int lane) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(a.scale + lane),
                           _mm512_loadu_ps(a.bias + lane));
  }
  static __m512 add_residual(__m512 value, const Element* residual, int valid, const ValueScale& scale) {
    const __m512i stored = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(first_lanes(valid), residual));
    return _mm512_fmadd_ps(_mm512_sub_ps(_mm512_cvtepi32_ps(stored), _mm512_set1_ps(scale.zero)),
                           _mm512_set1_ps(scale.scale), value);
  }
  static void store(Element* to, int valid, __m512 value, const ValueScale& scale) {
    const __m512 stored =
        _mm512_fmadd_ps(value, _mm512_set1_ps(1.0f / scale.scale), _mm512_set1_ps(scale.zero));
    const __m512 bounded = _mm512_min_ps(_mm512_max_ps(stored, _mm512_setzero_ps()), _mm512_set1_ps(255.0f));
    _mm_mask_storeu_epi8(to, first_lanes(valid), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(bounded)));
  }
};

#include "kernels/dot_block.inl"

}  // namespace

void dot_block_int8_vnni(const DotArguments& arguments, int rows) {
  dispatch_dot(arguments, rows);
}

}  // namespace backdrop::kernels
