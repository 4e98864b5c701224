/// \file
/// 8-bit activations on the device, eight at a time: the arithmetic of reduced_value.h, bit for bit.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/host_device.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {

/// A ValueScale with its inverse.
struct DeviceScale {
  float scale = 1.0f;
  float inverse = 1.0f;
  float zero = 0.0f;
};

inline DeviceScale device_scale(const ValueScale& scale) {
  return {scale.scale, 1.0f / scale.scale, scale.zero};
}

/// In which form a convolution stores its output.
enum class StoredAs : std::uint8_t {
  same,    ///< that of its input
  e4m3,    ///< bytes of whole numbers read: the first layer's, where the rest is fp8
  halves,  ///< bytes read: what blocks add up may be fp16, and so is the residual then
  bytes,   ///< fp16 read: a layer into such a block
};

/// What the sums of a convolution mean (int8_weights.h, fp8_weights.h), for each of its output channels.
struct ConvolutionScales {
  const float* scale = nullptr;               ///< [columns]
  const std::int32_t* corrections = nullptr;  ///< [tap of the window][columns]; null: all are 0
  const std::int32_t* of_window = nullptr;    ///< [columns] their sums over all taps
  int columns = 0;
  DeviceScale residual;
  DeviceScale output;
  StoredAs stored = StoredAs::same;
};

namespace int8 {

inline constexpr int kPiece = 8;  ///< elements in one access

struct alignas(kPiece) Piece {
  std::uint8_t values[kPiece];
};

BACKDROP_HOST_DEVICE Piece load(const void* from) {
  return *static_cast<const Piece*>(from);
}
BACKDROP_HOST_DEVICE void store(void* to, const Piece& piece) {
  *static_cast<Piece*>(to) = piece;
}

/// Eight stored values less `zero`, a whole number. On the device a byte becomes the end of a number whose
/// other bits are known, which takes less than a conversion and is as exact.
BACKDROP_HOST_DEVICE void widen(const std::uint32_t* words, float zero, float* values) {
  BACKDROP_UNROLL
  for (int k = 0; k < kPiece; ++k) {
#if defined(__CUDA_ARCH__)
    constexpr std::uint32_t kAbove = 0x4b000000;  // 2^23
    values[k] = __uint_as_float(__byte_perm(words[k / 4], kAbove, 0x7440 + k % 4)) - (0x1p23f + zero);
#else
    values[k] = static_cast<float>(words[k / 4] >> k % 4 * 8 & 0xffu) - zero;
#endif
  }
}

/// To the nearest, ties to even; what is outside the range becomes its ends, and what is no number 0.
BACKDROP_HOST_DEVICE std::uint8_t to_stored(float value, const DeviceScale& scale) {
  const float stored = fmaf(value, scale.inverse, scale.zero);
#if defined(__CUDA_ARCH__)
  return static_cast<std::uint8_t>(min(max(__float2int_rn(stored), 0), 255));  // no number is 0 there
#else
  const float whole = rintf(stored);
  return static_cast<std::uint8_t>(whole > 0.0f ? (whole < 255.0f ? whole : 255.0f) : 0.0f);
#endif
}

/// Whether to_stored makes of negative values what ReLU and it do.
BACKDROP_HOST_DEVICE bool rectifies(const DeviceScale& scale) {
  return scale.zero == 0.0f;
}

/// Four of to_stored, the first in the lowest byte.
BACKDROP_HOST_DEVICE std::uint32_t four_stored(const float* values, const DeviceScale& scale) {
#if defined(__CUDA_ARCH__)
  // The conversion to 32 bits takes no number for 0, that to 8 bits keeps to the range.
  int whole[4];
  BACKDROP_UNROLL
  for (int k = 0; k < 4; ++k) whole[k] = __float2int_rn(fmaf(values[k], scale.inverse, scale.zero));
  std::uint32_t stored;
  asm("{\n.reg .b32 high;\n"
      "cvt.pack.sat.u8.s32.b32 high, %4, %3, 0;\n"
      "cvt.pack.sat.u8.s32.b32 %0, %2, %1, high;\n}"
      : "=r"(stored)
      : "r"(whole[0]), "r"(whole[1]), "r"(whole[2]), "r"(whole[3]));
  return stored;
#else
  std::uint32_t stored = 0;
  for (int k = 0; k < 4; ++k) stored |= std::uint32_t{to_stored(values[k], scale)} << 8 * k;
  return stored;
#endif
}

BACKDROP_HOST_DEVICE void store_rounded(void* to, const float* values, const DeviceScale& scale) {
  struct alignas(kPiece) Words {
    std::uint32_t values[2];
  };
  *static_cast<Words*>(to) = {{four_stored(values, scale), four_stored(values + 4, scale)}};
}

}  // namespace int8
}  // namespace backdrop::kernels
