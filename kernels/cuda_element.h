/// \file
/// Stored values on the device, eight at a time, as floats.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace backdrop::kernels {

struct FloatElements {
  using Element = float;

  static __device__ __forceinline__ void load(const float* from, float* values) {
    const float4 low = reinterpret_cast<const float4*>(from)[0];
    const float4 high = reinterpret_cast<const float4*>(from)[1];
    values[0] = low.x, values[1] = low.y, values[2] = low.z, values[3] = low.w;
    values[4] = high.x, values[5] = high.y, values[6] = high.z, values[7] = high.w;
  }
  static __device__ __forceinline__ void store(float* to, const float* values) {
    reinterpret_cast<float4*>(to)[0] = make_float4(values[0], values[1], values[2], values[3]);
    reinterpret_cast<float4*>(to)[1] = make_float4(values[4], values[5], values[6], values[7]);
  }
  static __device__ __forceinline__ float one(float value) { return value; }
};

// The two 16-bit formats differ only in how a pair of them is converted.
template <class Stored, class Pair>
struct PairedElements {
  using Element = Stored;

  static __device__ __forceinline__ float2 unpack(unsigned int word);
  static __device__ __forceinline__ unsigned int pack(float low, float high);
  // Negative ones become zeros.
  static __device__ __forceinline__ unsigned int pack_rectified(float low, float high);

  static __device__ __forceinline__ void load(const Stored* from, float* values) {
    const uint4 words = *reinterpret_cast<const uint4*>(from);
    const unsigned int word[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float2 pair = unpack(word[i]);
      values[2 * i] = pair.x;
      values[2 * i + 1] = pair.y;
    }
  }
  static __device__ __forceinline__ void store(Stored* to, const float* values) {
    *reinterpret_cast<uint4*>(to) = make_uint4(pack(values[0], values[1]), pack(values[2], values[3]),
                                               pack(values[4], values[5]), pack(values[6], values[7]));
  }
  // After ReLU, in the instruction that rounds.
  static __device__ __forceinline__ void store_rectified(Stored* to, const float* values) {
    *reinterpret_cast<uint4*>(to) =
        make_uint4(pack_rectified(values[0], values[1]), pack_rectified(values[2], values[3]),
                   pack_rectified(values[4], values[5]), pack_rectified(values[6], values[7]));
  }
};

using HalfElements = PairedElements<__half, __half2>;
using Bfloat16Elements = PairedElements<__nv_bfloat16, __nv_bfloat162>;

template <>
__device__ __forceinline__ float2 HalfElements::unpack(unsigned int word) {
  __half2 pair;
  memcpy(&pair, &word, sizeof(pair));
  return __half22float2(pair);
}

template <>
__device__ __forceinline__ unsigned int HalfElements::pack(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  unsigned int word;
  memcpy(&word, &pair, sizeof(word));
  return word;
}

template <>
__device__ __forceinline__ unsigned int HalfElements::pack_rectified(float low, float high) {
  unsigned int word;
  asm("cvt.rn.relu.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

template <>
__device__ __forceinline__ float2 Bfloat16Elements::unpack(unsigned int word) {
  __nv_bfloat162 pair;
  memcpy(&pair, &word, sizeof(pair));
  return __bfloat1622float2(pair);
}

template <>
__device__ __forceinline__ unsigned int Bfloat16Elements::pack(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  unsigned int word;
  memcpy(&word, &pair, sizeof(word));
  return word;
}

template <>
__device__ __forceinline__ unsigned int Bfloat16Elements::pack_rectified(float low, float high) {
  unsigned int word;
  asm("cvt.rn.relu.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

}  // namespace backdrop::kernels
