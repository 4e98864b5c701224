/// \file
/// What this program is and runs on.
#pragma once

#include <string>

#include "report/run_record.h"

namespace backdrop {

/// Program, git revision, oneDNN, instruction sets and CUDA, as results record them.
Versions program_versions();

/// The same for people, a line each.
std::string version_text();

}  // namespace backdrop
