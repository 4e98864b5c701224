/// \file
/// Four floats by the compiler's own vectors: SSE2 on x86-64, NEON on 64-bit ARM. In an unnamed namespace for
/// the reason that vector_avx2.h gives.
#pragma once

namespace backdrop::kernels {
namespace {

struct V {
  static constexpr int kLanes = 4;
  using Lanes [[gnu::vector_size(kLanes * sizeof(float))]] = float;
  Lanes value;

  static V load(const float* from) {
    V result;
    __builtin_memcpy(&result.value, from, sizeof result.value);
    return result;
  }
  static V load_first(const float* from, int count) {
    if (count == kLanes) return load(from);
    V result = zero();
    for (int i = 0; i < count; ++i) result.value[i] = from[i];
    return result;
  }
  static V broadcast(const float* from) { return constant(*from); }
  static V constant(float number) { return {Lanes{number, number, number, number}}; }
  static V zero() { return {Lanes{}}; }
  static V add(V a, V b) { return {a.value + b.value}; }
  static V subtract(V a, V b) { return {a.value - b.value}; }
  static V multiply_add(V a, V b, V c) { return {a.value * b.value + c.value}; }
  static void accumulate(V& sum, V a, V b) { sum = multiply_add(a, b, sum); }
  static V activate(V x, V slope) { return {x.value < 0.0f ? x.value * slope.value : x.value}; }
  void store_first(float* to, int count) const {
    if (count == kLanes)
      __builtin_memcpy(to, &value, sizeof value);
    else
      for (int i = 0; i < count; ++i) to[i] = value[i];
  }
};

}  // namespace
}  // namespace backdrop::kernels
