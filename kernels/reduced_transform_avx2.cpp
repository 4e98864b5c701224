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

#include "kernels/int16_transform.inl"

}  // namespace

WinogradTransforms int16_transforms_avx2() {
  return {transform_input<Shorts, Points>, transform_output<Shorts, IntegerProducts>};
}

}  // namespace backdrop::kernels
