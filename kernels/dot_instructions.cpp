#include "kernels/dot_instructions.h"

#include "kernels/tile_permission.h"

namespace backdrop::kernels {
namespace {

#if defined(__x86_64__)
bool has_amx() {
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
         __builtin_cpu_supports("amx-int8") && __builtin_cpu_supports("avx512bf16") &&
         __builtin_cpu_supports("avx512vnni") && may_use_tiles();
}
#endif

}  // namespace

DotInstructions dot_instructions(Precision precision) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    if (precision != Precision::int16 && has_amx()) return DotInstructions::amx;
    if (precision == Precision::bf16 && __builtin_cpu_supports("avx512bf16"))
      return DotInstructions::avx512_bf16;
    if (precision != Precision::bf16 && __builtin_cpu_supports("avx512vnni"))
      return DotInstructions::avx512_vnni;
  }
  if (precision == Precision::int16 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return DotInstructions::avx2;
#else
  static_cast<void>(precision);
#endif
  return DotInstructions::none;
}

const char* name(DotInstructions instructions) {
  switch (instructions) {
    case DotInstructions::avx2:
      return "AVX2";
    case DotInstructions::avx512_vnni:
      return "AVX512-VNNI";
    case DotInstructions::avx512_bf16:
      return "AVX512-BF16";
    case DotInstructions::amx:
      return "AMX";
    case DotInstructions::none:
      break;
  }
  return "none";
}

}  // namespace backdrop::kernels
