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

}  // namespace

WinogradTransforms winograd_transforms_portable() {
  return {transform_input, transform_output};
}

}  // namespace backdrop::kernels
