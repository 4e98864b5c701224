/// \file
/// Pictures for people, as PNG (stb_image_write).
#pragma once

#include <filesystem>

#include "loaders/image.h"

namespace backdrop {

/// Throws failed if the file cannot be written.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace backdrop
