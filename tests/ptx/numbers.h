/// \file
/// Conversions of narrow floats, by the functions that CUDA's headers have for the host.
#pragma once

#include <cstdint>
#include <vector>

namespace backdrop::ptx {

/// Of all bit patterns, made when the program starts.
extern const std::vector<float> floats_of_halves;
extern const std::vector<float> floats_of_e4m3s;

inline float float_of_half(std::uint16_t half) {
  return floats_of_halves[half];
}
inline float float_of_e4m3(std::uint8_t e4m3) {
  return floats_of_e4m3s[e4m3];
}
std::uint16_t half_of(float value);
float float_of_bfloat16(std::uint16_t bfloat16);
std::uint16_t bfloat16_of(float value);
/// Numbers out of range become the largest ones.
std::uint8_t e4m3_of(float value);
/// cvt.rna: to 10 bits of mantissa, ties away from zero.
std::uint32_t tf32_of(float value);

}  // namespace backdrop::ptx
