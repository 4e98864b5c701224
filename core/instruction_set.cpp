#include "core/instruction_set.h"

namespace backdrop {

InstructionSet best_instruction_set() {
  return usable_instruction_sets().back();
}

std::vector<InstructionSet> usable_instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::portable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back(InstructionSet::avx2);
    if (__builtin_cpu_supports("avx512f")) sets.push_back(InstructionSet::avx512);
  }
#endif
  return sets;
}

std::string name(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx2:
      return "AVX2";
    case InstructionSet::avx512:
      return "AVX-512";
    case InstructionSet::portable:
      break;
  }
  return "portable";
}

}  // namespace backdrop
