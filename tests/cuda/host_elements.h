/// \file
/// Stored elements on the host, with the interface of kernels/cuda_element.h.
#pragma once

#include <bit>
#include <cstdint>

namespace backdrop::test {

struct HostFloats {
  using Element = float;
  static float to_float(float value) { return value; }
  static float from_float(float value) { return value; }
  static void load(const float* from, float* values) {
    for (int k = 0; k < 8; ++k) values[k] = from[k];
  }
  static void store(float* to, const float* values) {
    for (int k = 0; k < 8; ++k) to[k] = values[k];
  }
};

/// bfloat16: the upper half of a float, rounded to nearest even.
struct HostBfloat16 {
  using Element = std::uint16_t;
  static float to_float(Element value) { return std::bit_cast<float>(std::uint32_t{value} << 16); }
  static Element from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<Element>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
  }
  static void load(const Element* from, float* values) {
    for (int k = 0; k < 8; ++k) values[k] = to_float(from[k]);
  }
  static void store(Element* to, const float* values) {
    for (int k = 0; k < 8; ++k) to[k] = from_float(values[k]);
  }
};

}  // namespace backdrop::test
