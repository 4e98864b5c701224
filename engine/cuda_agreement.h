/// \file
/// Whether two of the GPU's ways to compute a layer agree. None is taken only because it is fast: a library's
/// kernel, or one of ours on a device that it has never met, must first give what our plain kernel gives.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/precision.h"

namespace backdrop {

/// Whether stored values of a precision are the same but for rounding after so many layers, which sum in
/// another order each; in int8 the same, or no more than `steps` apart. All of them must be finite, and not
/// all zero.
bool agree(Precision precision, const std::vector<std::byte>& a, const std::vector<std::byte>& b,
           int layers = 1, int steps = 0);

}  // namespace backdrop
