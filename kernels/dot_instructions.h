/// \file
/// Which instructions multiply below fp32, several products a lane.
#pragma once

#include "kernels/precision.h"

namespace backdrop::kernels {

enum class DotInstructions { none, avx2, avx512_vnni, avx512_bf16, amx };

/// The best instructions that this processor has for products of `precision` (int8, int16 or bf16). Without
/// any, products are plain loops, for tests. What has AMX has AVX512-VNNI and AVX512-BF16.
DotInstructions dot_instructions(Precision precision);
inline bool has_dot_instructions(Precision precision) {
  return dot_instructions(precision) != DotInstructions::none;
}

/// "AVX2", "AVX512-VNNI", "AVX512-BF16", "AMX" or "none".
const char* name(DotInstructions instructions);

}  // namespace backdrop::kernels
