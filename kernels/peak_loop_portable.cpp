// One float at a time, and the choice between the sets.
#include "kernels/dot_convolution.h"
#include "kernels/peak_loop.h"

namespace backdrop::kernels {

std::int64_t peak_loop_portable(std::int64_t rounds, float* sink) {
  constexpr int kSums = 12;
  constexpr int kRepeats = 16;
  float sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = static_cast<float>(i) + *sink;
  for (std::int64_t round = 0; round < rounds * kRepeats; ++round)
    for (float& sum : sums) sum = sum * 0.5f + 1.0f;
  *sink = 0;
  for (const float sum : sums) *sink += sum;
  return rounds * kRepeats * kSums;
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
  if (has_dot_instructions(precision))
    return precision == Precision::int8 ? peak_loop_int8_vnni(rounds, sink)
                                        : peak_loop_bf16_avx512(rounds, sink);
#endif
  static_cast<void>(precision);
  static_cast<void>(rounds);
  static_cast<void>(sink);
  return 0;
}

}  // namespace backdrop::kernels
