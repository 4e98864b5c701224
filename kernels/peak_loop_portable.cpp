// For processors without AVX2, and the choice between the sets.
#include "kernels/dot_instructions.h"
#include "kernels/peak_loop.h"
#include "kernels/vector_portable.h"

namespace backdrop::kernels {
namespace {

#include "kernels/peak_loop.inl"

}  // namespace

std::int64_t peak_loop_portable(std::int64_t rounds, float* sink) {
  return peak_loop(rounds, sink);
}

std::int64_t run_peak_loop(InstructionSet set, std::int64_t rounds, float* sink) {
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512:
      return peak_loop_avx512(rounds, sink);
    case InstructionSet::avx2:
      return peak_loop_avx2(rounds, sink);
#endif
    default:
      return peak_loop_portable(rounds, sink);
  }
}

std::int64_t run_dot_peak_loop(Precision precision, std::int64_t rounds, float* sink) {
#if defined(__x86_64__)
  switch (dot_instructions(precision)) {
    case DotInstructions::avx2:
      return peak_loop_int16_avx2(rounds, sink);
    case DotInstructions::avx512_vnni:
      return precision == Precision::int8 ? peak_loop_int8_vnni(rounds, sink)
                                          : peak_loop_int16_vnni(rounds, sink);
    case DotInstructions::amx:
      return precision == Precision::int8 ? peak_loop_int8_amx(rounds, sink)
                                          : peak_loop_bf16_amx(rounds, sink);
    case DotInstructions::avx512_bf16:
      return peak_loop_bf16_avx512(rounds, sink);
    case DotInstructions::none:
      break;
  }
#endif
  static_cast<void>(precision);
  static_cast<void>(rounds);
  static_cast<void>(sink);
  return 0;
}

}  // namespace backdrop::kernels
