/// \file
/// IEEE 754 binary16 as float, which holds every one of its values.
#pragma once

#include <bit>
#include <cstdint>

namespace backdrop {

inline float from_half(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t magnitude = (bits & 0x7fffu) << 13;
  const std::uint32_t exponent = bits & 0x7c00u;
  // Rebias the exponent from 15 to 127; subnormals are multiples of 2^-24; infinities and NaNs keep all ones.
  const std::uint32_t normal = magnitude + (112u << 23);
  const auto subnormal = std::bit_cast<std::uint32_t>(static_cast<float>(bits & 0x3ffu) * 0x1p-24f);
  const std::uint32_t special = magnitude | 0x7f800000u;
  return std::bit_cast<float>(sign | (exponent == 0 ? subnormal : exponent == 0x7c00u ? special : normal));
}

}  // namespace backdrop
