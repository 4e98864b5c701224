/// \file
/// Where this program may keep what it can make again.
#pragma once

#include <filesystem>

namespace backdrop {

/// $XDG_CACHE_HOME/backdrop, or ~/.cache/backdrop; empty if neither variable is an absolute path (as the XDG
/// base directory specification asks). The folder need not be there.
std::filesystem::path cache_folder();

}  // namespace backdrop
