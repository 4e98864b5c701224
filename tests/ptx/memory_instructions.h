/// \file
/// Loads, stores, copies in the background and what orders them.
#pragma once

#include "tests/ptx/program.h"

namespace backdrop::ptx {

/// False if it is none of them.
bool bind_memory(Instruction& instruction);

}  // namespace backdrop::ptx
