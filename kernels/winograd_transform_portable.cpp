// For processors without AVX2; below fp32 also where instructions are missing, and to test with.
#include <cmath>
#include <cstddef>
#include <cstring>

#include "kernels/vector_portable.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {
namespace {

#include "kernels/winograd_transform.inl"

struct Halves {
  using Element = Bf16;
  using Scale = ValueScale;
  static V load(const void* from, std::ptrdiff_t at, int count, const ValueScale&) {
    V result = V::zero();
    for (int i = 0; i < count; ++i) result.value[i] = to_float(static_cast<const Bf16*>(from)[at + i]);
    return result;
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale&) {
    for (int i = 0; i < count; ++i) static_cast<Bf16*>(to)[at + i] = to_bf16(value.value[i]);
  }
};

struct Bytes {
  using Element = std::uint8_t;
  using Scale = ValueScale;
  static V load(const void* from, std::ptrdiff_t at, int count, const ValueScale& scale) {
    V result = V::zero();
    for (int i = 0; i < count; ++i)
      result.value[i] = to_float(static_cast<const std::uint8_t*>(from)[at + i], scale);
    return result;
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale& scale) {
    for (int i = 0; i < count; ++i) static_cast<std::uint8_t*>(to)[at + i] = to_uint8(value.value[i], scale);
  }
};

struct Shorts {
  using Element = std::int16_t;
  using Scale = ValueScale;
  static V load(const void* from, std::ptrdiff_t at, int count, const ValueScale& scale) {
    V result = V::zero();
    for (int i = 0; i < count; ++i)
      result.value[i] = to_float(static_cast<const std::int16_t*>(from)[at + i], scale);
    return result;
  }
  static void store(V value, void* to, std::ptrdiff_t at, int count, const ValueScale& scale) {
    for (int i = 0; i < count; ++i) static_cast<std::int16_t*>(to)[at + i] = to_int16(value.value[i], scale);
  }
};

// What the input transform writes of them.
struct IntegerPoints {
  static void store(V value, const InputTransform& a, int point, int c, int count) {
    auto* to = static_cast<std::int16_t*>(a.output) + point * a.stride + c;
    for (int i = 0; i < count; ++i)
      to[i] = static_cast<std::int16_t>(std::nearbyint(value.value[i] * a.units_in_one[point]));
  }
};

struct IntegerProducts {
  static V load(const OutputTransform& a, int point, int c, int count) {
    V result = V::zero();
    for (int i = 0; i < count; ++i) {
      std::int32_t sum;
      std::memcpy(&sum, a.products + point * a.stride + c + i, sizeof sum);
      result.value[i] = static_cast<float>(sum) * a.product_scale[point * a.scale_stride + c + i];
    }
    return result;
  }
};

}  // namespace

WinogradTransforms winograd_transforms_portable() {
  return {transform_input<Floats>, transform_output<Floats>};
}

WinogradTransforms reduced_transforms_portable(Precision read, Precision written) {
  return {read == Precision::int8 ? transform_input<Bytes, PlainPoints<Halves>> : transform_input<Halves>,
          written == Precision::int8 ? transform_output<Bytes> : transform_output<Halves>};
}

WinogradTransforms int16_transforms_portable() {
  return {transform_input<Shorts, IntegerPoints>, transform_output<Shorts, IntegerProducts>};
}

}  // namespace backdrop::kernels
