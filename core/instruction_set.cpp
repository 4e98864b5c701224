#include "core/instruction_set.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace backdrop {
namespace {

#if defined(__x86_64__)
/// AMX is newer than the compiler's names for what a processor supports: CPUID leaf 7, EDX bits 24 and 25.
bool has_amx_int8() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned int kTileAndInt8 = 1u << 24 | 1u << 25;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kTileAndInt8) == kTileAndInt8;
}
#endif

}  // namespace

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

std::string supported_instructions() {
  std::string names;
#if defined(__x86_64__)
  const auto add = [&names](bool present, const char* name) {
    if (present) names += (names.empty() ? "" : " ") + std::string(name);
  };
  add(__builtin_cpu_supports("avx2"), "AVX2");
  add(__builtin_cpu_supports("fma"), "FMA");
  add(__builtin_cpu_supports("avx512f"), "AVX-512F");
  add(__builtin_cpu_supports("avx512bw"), "AVX-512BW");
  add(__builtin_cpu_supports("avx512vnni"), "AVX-512VNNI");
  add(__builtin_cpu_supports("avx512bf16"), "AVX-512BF16");
  add(has_amx_int8(), "AMX");
  if (names.empty()) return "SSE2";
#endif
  return names.empty() ? name(InstructionSet::portable) : names;
}

}  // namespace backdrop
