#include <cstddef>

#include "kernels/stored_lanes_avx2.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

#include "kernels/winograd_transform.inl"

struct Shorts {
  using Element = ShortLanes::Element;
  using Scale = ShortLanes::Scale;
  static V load(const void* from, std::ptrdiff_t at, int count, const Scale& scale) {
    return ShortLanes::load(static_cast<const Element*>(from) + at, count, scale);
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const Scale& scale) {
    ShortLanes::store(static_cast<Element*>(to) + at, count, value, scale);
  }
};

#include "kernels/int16_transform.inl"

}  // namespace

WinogradTransforms int16_transforms_avx2() {
  return {transform_input<Shorts, IntegerPoints>, transform_output<Shorts, IntegerProducts>};
}

}  // namespace backdrop::kernels
