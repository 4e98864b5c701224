// The transforms around products of bfloat16, and of 16-bit integers.
#include <cstddef>

#include "kernels/stored_lanes_avx512.h"
#include "kernels/vector_avx512.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

#include "kernels/winograd_transform.inl"

// Lanes as V.
template <class Lanes>
struct Stored {
  using Element = typename Lanes::Element;
  using Scale = typename Lanes::Scale;
  static V load(const void* from, std::ptrdiff_t at, int count, const Scale& scale) {
    return {Lanes::load(static_cast<const Element*>(from) + at, count, scale)};
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const Scale& scale) {
    Lanes::store(static_cast<Element*>(to) + at, count, value.value, scale);
  }
};

using Halves = Stored<HalfLanes>;
using Bytes = Stored<ByteLanes>;
using Shorts = Stored<ShortLanes>;

#include "kernels/int16_transform.inl"

}  // namespace

WinogradTransforms reduced_transforms_avx512(Precision read, Precision written) {
  return {read == Precision::int8 ? transform_input<Bytes, PlainPoints<Halves>> : transform_input<Halves>,
          written == Precision::int8 ? transform_output<Bytes> : transform_output<Halves>};
}

WinogradTransforms int16_transforms_avx512() {
  return {transform_input<Shorts, IntegerPoints>, transform_output<Shorts, IntegerProducts>};
}

}  // namespace backdrop::kernels
