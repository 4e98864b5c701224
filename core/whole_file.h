/// \file
/// A file that a person asked for under a name: there as a whole, or as it was before.
#pragma once

#include <filesystem>
#include <string_view>

namespace backdrop {

/// Writes PATH.partial, flushes it to the device and gives it the name; what could not be written is removed.
/// Throws failed with the system's reason.
void write_whole_file(const std::filesystem::path& path, std::string_view content);

}  // namespace backdrop
