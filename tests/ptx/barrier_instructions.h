/// \file
/// What orders warps other than at their block's barrier: mbarriers, the bulk copies that report to them, and
/// the barriers of clusters.
#pragma once

#include "tests/ptx/program.h"

namespace backdrop::ptx {

/// False if it is none of them.
bool bind_barrier(Instruction& instruction);

}  // namespace backdrop::ptx
