/// \file
/// Pictures for people, as PNG (stb_image_write).
#pragma once

#include <filesystem>

#include "loaders/image.h"

namespace backdrop {

/// The whole file or none. Throws failed if it cannot be written.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace backdrop
