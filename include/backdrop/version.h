/// \file
/// Which library this is.
#pragma once

#include "backdrop/export.h"
#include "backdrop/version_number.h"

namespace backdrop {

/// "0.1.0": the version of the library that is running, not of the headers.
BACKDROP_EXPORT const char* version() noexcept;

}  // namespace backdrop
