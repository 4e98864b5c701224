// Versions of the program and its libraries, and the instruction sets of the processor.
#include "cli/version.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.h>

#include <iterator>

#include "core/instruction_set.h"
#include "core/version.h"
#include "engine/engine.h"

namespace backdrop {
namespace {

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace

Versions program_versions() {
  return {{"backdrop", version_number()},
          {"git", git_revision()},
          {"compiler", "GCC " __VERSION__},
          {"oneDNN", onednn_version()},
          {"instruction sets", supported_instructions()},
          {"CUDA", cuda_build()}};
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
