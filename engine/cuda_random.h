/// \file
/// What the GPU engine times its ways on: on zeros a GPU draws less power, and is faster than it will be.
#pragma once

#include <cstddef>

#include "kernels/precision.h"

namespace backdrop {

/// Device memory for values of a precision; the same few values between 0 and 1 over and over, in int8 of the
/// whole range. Throws what copying throws.
void fill_with_random_elements(Precision precision, std::byte* memory, std::size_t bytes);

}  // namespace backdrop
