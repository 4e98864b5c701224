/// \file
/// How activations are stored below fp32: bfloat16, or integers of 8 or 16 bits with a scale.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/precision.h"

namespace backdrop::kernels {

/// What a stored integer means: real = scale * (stored - zero).
struct ValueScale {
  float scale = 1.0f;
  float zero = 0.0f;  ///< of 8 bits a whole number from 0 to 255, of 16 bits 0

  bool operator==(const ValueScale&) const = default;
};

/// The stored form of a layer's inputs, for each channel, and of its output. Scales of bfloat16 are left out.
struct DotScales {
  std::vector<ValueScale> input;  ///< [channels]; `zero` may be any number here
  ValueScale residual;
  ValueScale output;
  /// How output and residual are stored; none: as inputs are multiplied.
  std::optional<Precision> written = std::nullopt;
  /// How inputs are stored; none: as they are multiplied. bfloat16 for bytes: stored as such on the way in,
  /// by one scale, and for 1x1 convolutions only (byte_inputs.h).
  std::optional<Precision> read = std::nullopt;
  bool nonnegative = false;  ///< no input is below 0: sums of 16-bit products have a bit more then
  int terms = 1;  ///< each bfloat16 weight is the sum of so many: 1, or 2, which round 2^8 times less
};

/// What a layer writes.
enum class DotOutput {
  stored,  ///< activations as the network stores them
  real,    ///< activations as floats
  sums,    ///< the 32-bit sums alone: no bias, residual or activation
};

/// The upper half of an fp32 number.
using Bf16 = std::uint16_t;

inline float to_float(Bf16 value) {
  return std::bit_cast<float>(std::uint32_t{value} << 16);
}

/// To the nearest, ties to even; not-a-numbers stay such.
inline Bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<Bf16>(bits >> 16 | 0x40);
  return static_cast<Bf16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float to_float(std::uint8_t value, const ValueScale& scale) {
  return scale.scale * (static_cast<float>(value) - scale.zero);
}

/// To the nearest whole number, ties to even, for numbers below 2^22: without the call into a library that
/// std::nearbyint is on the oldest processors.
inline float round_small(float value) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23
  return (value + kShift) - kShift;
}

/// To the nearest, ties to even; values outside the range become its ends.
inline std::uint8_t to_uint8(float value, const ValueScale& scale) {
  const float stored = std::nearbyint(std::fma(value, 1.0f / scale.scale, scale.zero));
  return static_cast<std::uint8_t>(stored > 0.0f ? (stored < 255.0f ? stored : 255.0f) : 0.0f);
}

/// 16-bit values are signed and no larger than this, which leaves 17 bits for the sum of a channel's weights.
/// One bit more for the values, or for the weights, makes a ResNet-50's logits less exact.
inline constexpr int kInt16Most = 16383;

inline float to_float(std::int16_t value, const ValueScale& scale) {
  return scale.scale * static_cast<float>(value);
}

/// To the nearest, ties to even; values outside the range become its ends.
inline std::int16_t to_int16(float value, const ValueScale& scale) {
  constexpr auto kMost = static_cast<float>(kInt16Most);
  const float stored = std::nearbyint(value * (1.0f / scale.scale));
  return static_cast<std::int16_t>(stored > -kMost ? (stored < kMost ? stored : kMost) : -kMost);
}

/// The 16-bit scale of a value whose range in 8 bits is that of `bytes`: with room for twice as large ones,
/// so that hardly anything is ever cut off.
inline ValueScale int16_scale(const ValueScale& bytes) {
  constexpr float kRoom = 2.0f;
  const float largest = bytes.scale * (bytes.zero > 127.5f ? bytes.zero : 255.0f - bytes.zero);
  return {kRoom * largest / static_cast<float>(kInt16Most), 0.0f};
}

}  // namespace backdrop::kernels
