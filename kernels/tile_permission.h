/// \file
/// Leave to use AMX's tile registers, which a process asks Linux for.
#pragma once

namespace backdrop::kernels {

/// Asks once. False where the system does not know them.
bool may_use_tiles();

}  // namespace backdrop::kernels
