#include "tests/ptx/numbers.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <bit>
#include <cmath>
#include <vector>

namespace backdrop::ptx {
namespace {

template <class Narrow>
std::vector<float> floats_of_all(float (*convert)(Narrow)) {
  std::vector<float> floats;
  for (std::uint32_t bits = 0; bits < 1u << (8 * sizeof(Narrow)); ++bits)
    floats.push_back(convert(static_cast<Narrow>(bits)));
  return floats;
}

}  // namespace

const std::vector<float> floats_of_halves =
    floats_of_all<std::uint16_t>([](std::uint16_t bits) { return __half2float(__half(__half_raw{bits})); });

const std::vector<float> floats_of_e4m3s = floats_of_all<std::uint8_t>(
    [](std::uint8_t bits) { return __half2float(__half(__nv_cvt_fp8_to_halfraw(bits, __NV_E4M3))); });

std::uint16_t half_of(float value) {
  return static_cast<__half_raw>(__float2half_rn(value)).x;
}

float float_of_bfloat16(std::uint16_t bfloat16) {
  return std::bit_cast<float>(std::uint32_t{bfloat16} << 16);
}

std::uint16_t bfloat16_of(float value) {
  return static_cast<__nv_bfloat16_raw>(__float2bfloat16_rn(value)).x;
}

std::uint8_t e4m3_of(float value) {
  return __nv_cvt_float_to_fp8(value, __NV_SATFINITE, __NV_E4M3);
}

std::uint32_t tf32_of(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return std::isfinite(value) ? (bits + 0x1000u) & ~0x1fffu : bits;
}

}  // namespace backdrop::ptx
