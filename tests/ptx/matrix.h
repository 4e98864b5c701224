/// \file
/// Products on tensor cores: ldmatrix, mma.sync and wgmma, by the layouts of the PTX manual's "Warp-level"
/// and "Asynchronous Warpgroup-level Matrix Instructions".
#pragma once

#include "tests/ptx/program.h"

namespace backdrop::ptx {

/// False if it is none of them.
bool bind_matrix(Instruction& instruction);

}  // namespace backdrop::ptx
