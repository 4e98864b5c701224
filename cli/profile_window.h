/// \file
/// Which piece of a search a profiler records.
#pragma once

#include <string>

#include "engine/engine_options.h"

namespace backdrop {

/// "20:5": from the 20th foreground on, five. Throws usage.
ProfileWindow parse_profile_window(const std::string& text);

}  // namespace backdrop
