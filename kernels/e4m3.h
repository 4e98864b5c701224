/// \file
/// e4m3, the 8-bit float of tensor cores: a sign, four bits of exponent (bias 7) and three of mantissa. There
/// is no infinity: 0x7f and 0xff are not numbers, the largest number is 448, and larger ones become it (PTX
/// ISA, "Alternate Floating-Point Data Formats").
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/cuda_eight.h"
#include "kernels/cuda_int8.h"

namespace backdrop::kernels::e4m3 {

inline constexpr float kLargest = 448.0f;
inline constexpr float kSmallestNormal = 0x1p-6f;

BACKDROP_HOST_DEVICE float decode(std::uint8_t code) {
  const std::uint32_t magnitude = code & 0x7fu;
  const float sign = (code & 0x80u) != 0 ? -1.0f : 1.0f;
  if (magnitude == 0x7f) return sign * __builtin_nanf("");
  if (magnitude < 8) return sign * 0x1p-9f * static_cast<float>(magnitude);
  const std::uint32_t bits = (magnitude + (120u << 3)) << 20;  // biases are 127 and 7
  float value;
  memcpy(&value, &bits, sizeof(value));
  return sign * value;
}

/// To the nearest, ties to even.
BACKDROP_HOST_DEVICE std::uint8_t encode(float value) {
  if (value != value) return 0x7f;
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  const std::uint32_t sign = bits >> 24 & 0x80u;
  const float magnitude = fminf(fabsf(value), kLargest);
  if (magnitude < kSmallestNormal)  // the eighth step is the smallest normal number
    return static_cast<std::uint8_t>(sign | static_cast<std::uint32_t>(rintf(magnitude * 0x1p9f)));
  memcpy(&bits, &magnitude, sizeof(bits));
  bits += 0x7ffffu + (bits >> 20 & 1u);
  return static_cast<std::uint8_t>(sign | ((bits >> 20) - (120u << 3)));
}

/// Two at once; devices that have the instructions give the same values.
BACKDROP_HOST_DEVICE void decode_pair(std::uint16_t codes, float& low, float& high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  asm("{\n"
      ".reg .b16 first, second;\n"
      ".reg .b32 halves;\n"
      "cvt.rn.f16x2.e4m3x2 halves, %2;\n"
      "mov.b32 {first, second}, halves;\n"
      "cvt.f32.f16 %0, first;\n"
      "cvt.f32.f16 %1, second;\n"
      "}"
      : "=f"(low), "=f"(high)
      : "h"(codes));
#else
  low = decode(static_cast<std::uint8_t>(codes & 0xffu));
  high = decode(static_cast<std::uint8_t>(codes >> 8));
#endif
}

/// `kRectified`: negative ones become zeros.
template <bool kRectified = false>
BACKDROP_HOST_DEVICE std::uint16_t encode_pair(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  std::uint16_t codes;
  if constexpr (kRectified)
    asm("cvt.rn.satfinite.relu.e4m3x2.f32 %0, %1, %2;" : "=h"(codes) : "f"(high), "f"(low));
  else
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(codes) : "f"(high), "f"(low));
  return codes;
#else
  if (kRectified) {
    low = low < 0.0f ? 0.0f : low;
    high = high < 0.0f ? 0.0f : high;
  }
  return static_cast<std::uint16_t>(encode(low) | encode(high) << 8);
#endif
}

inline constexpr int kPiece = int8::kPiece;

struct alignas(kPiece) Piece {
  std::uint16_t pairs[kPiece / 2];
};

/// Eight stored values times `scale`.
BACKDROP_HOST_DEVICE void load(const void* from, float scale, float* values) {
  const Piece piece = *static_cast<const Piece*>(from);
  BACKDROP_UNROLL
  for (int k = 0; k < kPiece; k += 2) {
    decode_pair(piece.pairs[k / 2], values[k], values[k + 1]);
    values[k] *= scale;
    values[k + 1] *= scale;
  }
}

/// Eight values times `inverse`, rounded.
template <bool kRectified = false>
BACKDROP_HOST_DEVICE void store(void* to, float inverse, const float* values) {
  Piece piece;
  BACKDROP_UNROLL
  for (int k = 0; k < kPiece; k += 2)
    piece.pairs[k / 2] = encode_pair<kRectified>(values[k] * inverse, values[k + 1] * inverse);
  *static_cast<Piece*>(to) = piece;
}

/// Behind an activation with this slope of negative values, from 0 to 1.
BACKDROP_HOST_DEVICE void store_activated(void* to, float inverse, float* values, float slope) {
  if (slope == 0.0f) return store<true>(to, inverse, values);
  activate_eight(values, slope);
  store(to, inverse, values);
}

}  // namespace backdrop::kernels::e4m3
