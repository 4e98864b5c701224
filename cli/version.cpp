// Versions of the program and its libraries, and the instruction sets of the processor.
#include "cli/version.h"

#include <cpuid.h>
#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>

#include <iterator>

#include "core/version.h"
#include "engine/engine.h"

namespace backdrop {
namespace {

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

/// AMX is newer than the compiler's names for what a processor supports: CPUID leaf 7, EDX bits 24 and 25.
bool has_amx_int8() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned int kTileAndInt8 = 1u << 24 | 1u << 25;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kTileAndInt8) == kTileAndInt8;
}

std::string instruction_sets() {
  std::string names;
  const auto add = [&names](bool present, const char* name) {
    if (present) names += names.empty() ? name : fmt::format(" {}", name);
  };
  add(__builtin_cpu_supports("avx2"), "AVX2");
  add(__builtin_cpu_supports("fma"), "FMA");
  add(__builtin_cpu_supports("avx512f"), "AVX-512F");
  add(__builtin_cpu_supports("avx512bw"), "AVX-512BW");
  add(__builtin_cpu_supports("avx512vnni"), "AVX-512VNNI");
  add(__builtin_cpu_supports("avx512bf16"), "AVX-512BF16");
  add(has_amx_int8(), "AMX");
  return names.empty() ? "SSE2" : names;
}

}  // namespace

Versions program_versions() {
  return {{"backdrop", version_number()},           {"git", git_revision()},
          {"compiler", "GCC " __VERSION__},         {"oneDNN", onednn_version()},
          {"instruction sets", instruction_sets()}, {"CUDA", cuda_build()}};
}

std::string version_text() {
  std::string text;
  for (const auto& [name, version] : program_versions())
    fmt::format_to(std::back_inserter(text), "{}{} {}", text.empty() ? "" : "\n",
                   name == "instruction sets" ? "CPU:"
                   : name == "CUDA"           ? "CUDA:"
                                              : name,
                   version);
  return text;
}

}  // namespace backdrop
