/// \file
/// CUDA's 16-bit elements on the host, with the interface of kernels/cuda_element.h.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace backdrop::test {

template <class Stored, float (*kToFloat)(Stored), Stored (*kFromFloat)(float)>
struct HostPairs {
  using Element = Stored;
  static float to_float(Stored value) { return kToFloat(value); }
  static Stored from_float(float value) { return kFromFloat(value); }
  static void load(const Stored* from, float* values) {
    for (int k = 0; k < 8; ++k) values[k] = kToFloat(from[k]);
  }
  static void store(Stored* to, const float* values) {
    for (int k = 0; k < 8; ++k) to[k] = kFromFloat(values[k]);
  }
};

inline float half_to_float(__half value) {
  return __half2float(value);
}
inline __half half_from_float(float value) {
  return __float2half_rn(value);
}
inline float bfloat16_to_float(__nv_bfloat16 value) {
  return __bfloat162float(value);
}
inline __nv_bfloat16 bfloat16_from_float(float value) {
  return __float2bfloat16_rn(value);
}
using HostHalves = HostPairs<__half, half_to_float, half_from_float>;
using HostBfloat16s = HostPairs<__nv_bfloat16, bfloat16_to_float, bfloat16_from_float>;

}  // namespace backdrop::test
