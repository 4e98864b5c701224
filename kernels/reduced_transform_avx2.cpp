#include <cstddef>

#include "kernels/stored_lanes_avx2.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

#include "kernels/winograd_transform.inl"

struct Shorts {
  using Element = std::int16_t;
  static V load(const void* from, std::ptrdiff_t at, int count, const ValueScale& scale) {
    return ShortLanes::load(static_cast<const Element*>(from) + at, count, scale);
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale& scale) {
    ShortLanes::store(static_cast<Element*>(to) + at, count, value, scale);
  }
};

// What the input transform writes.
struct Points {
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale& scale) {
    ShortLanes::store_whole(static_cast<std::int16_t*>(to) + at, count,
                            _mm256_mul_ps(value.value, _mm256_set1_ps(1.0f / scale.scale)));
  }
};

struct IntegerProducts {
  static V load(const OutputTransform& a, int point, int c, int count) {
    const V sums = V::load_first(a.products + point * a.stride + c, count);
    const V scale = V::load_first(a.product_scale + point * a.scale_stride + c, count);
    return {_mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_castps_si256(sums.value)), scale.value)};
  }
};

}  // namespace

WinogradTransforms int16_transforms_avx2() {
  return {transform_input<Shorts, Points>, transform_output<Shorts, IntegerProducts>};
}

}  // namespace backdrop::kernels
