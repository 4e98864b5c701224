/// \file
/// fp32 on tensor cores, which multiply TensorFloat-32: a value is the sum of two terms of that type, and a
/// product that of three of its terms' four products ("3xTF32" of CUTLASS). What is left out and cut off is
/// at most 3 * 2^-22 of a product, of either sign.
///
/// Tensor cores cut off sums, too, where fp32 rounds, always towards zero: over a long sum that adds up to
/// more than fp32's own error. So a step's few products are summed from zero and then added as fp32 (H.
/// Ootomo and R. Yokota, "Recovering single precision accuracy from Tensor Cores while surpassing the FP32
/// theoretical peak performance", 2022).
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/cuda_int8.h"

namespace backdrop::kernels::tf32 {

inline constexpr int kProducts = 3;  ///< of terms, for one of values
inline constexpr std::uint32_t kCutBits = 0x1fff;

/// fp32's 24 bits of mantissa as 11 and the 13 that are left, with a sign, of which 11 are multiplied. An
/// infinity's rest is not a number.
struct Terms {
  float large;
  float rest;
};

BACKDROP_HOST_DEVICE Terms terms_of(float value) {
#if defined(__CUDA_ARCH__)
  const float large = __uint_as_float((__float_as_uint(value) + (kCutBits + 1) / 2) & ~kCutBits);
#else
  const auto large =
      std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + (kCutBits + 1) / 2) & ~kCutBits);
#endif
  return {large, value - large};
}

}  // namespace backdrop::kernels::tf32
