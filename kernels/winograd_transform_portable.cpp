// One float at a time, for processors without AVX2.
#include <cstddef>

#include "kernels/shapes.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

struct V {
  static constexpr int kLanes = 1;
  float value;

  static V load_first(const float* from, int) { return {*from}; }
  static V constant(float number) { return {number}; }
  static V zero() { return {0.0f}; }
  static V add(V a, V b) { return {a.value + b.value}; }
  static V subtract(V a, V b) { return {a.value - b.value}; }
  static V multiply_add(V a, V b, V c) { return {a.value * b.value + c.value}; }
  static V activate(V x, V slope) { return {kernels::activate(x.value, slope.value)}; }
  void store_first(float* to, int) const { *to = value; }
};

#include "kernels/winograd_transform.inl"

struct Halves {
  using Element = Bf16;
  static V load(const void* from, std::ptrdiff_t at, int, const ValueScale&) {
    return {to_float(static_cast<const Bf16*>(from)[at])};
  }
  static void store(V value, void* to, std::ptrdiff_t at, int, const ValueScale&) {
    static_cast<Bf16*>(to)[at] = to_bf16(value.value);
  }
};

struct Bytes {
  using Element = std::uint8_t;
  static V load(const void* from, std::ptrdiff_t at, int, const ValueScale& scale) {
    return {to_float(static_cast<const std::uint8_t*>(from)[at], scale)};
  }
  static void store(V value, void* to, std::ptrdiff_t at, int, const ValueScale& scale) {
    static_cast<std::uint8_t*>(to)[at] = to_uint8(value.value, scale);
  }
};

}  // namespace

WinogradTransforms winograd_transforms_portable() {
  return {transform_input<Floats, Floats>, transform_output<Floats>};
}

WinogradTransforms reduced_transforms_portable(Precision read, Precision written) {
  return {read == Precision::int8 ? transform_input<Bytes, Halves> : transform_input<Halves, Halves>,
          written == Precision::int8 ? transform_output<Bytes> : transform_output<Halves>};
}

}  // namespace backdrop::kernels
