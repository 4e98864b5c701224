/// \file
/// e4m3, for RandomValue (random_device_work.h).
#pragma once

#include <cmath>

#include "kernels/e4m3.h"

namespace backdrop::test {

/// What one unit of what is stored is worth.
inline constexpr float kFp8InputScale = 0.01f;
inline constexpr float kFp8OutputScale = 0.25f;

struct HostFp8 {
  using Element = std::uint8_t;
  static float to_float(Element stored) { return kFp8InputScale * kernels::e4m3::decode(stored); }
  static Element from_float(float value) { return kernels::e4m3::encode(value / kFp8InputScale); }
};

/// Multiples of 16 up to 64: no more than two bits of mantissa.
struct HostFp8Quarters : HostFp8 {
  static Element from_float(float value) { return kernels::e4m3::encode(16.0f * std::round(4.0f * value)); }
};

}  // namespace backdrop::test
