/// \file
/// The lossless formats, through stb_image: PNG and BMP, 8 bits a channel, alpha dropped.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "loaders/image.h"

namespace backdrop {

/// Decodes a PNG after checking the CRC of its chunks. Throws bad_input that names `file`.
Image decode_png(std::span<const std::byte> bytes, const std::string& file, int largest = kMaxImageExtent);

/// Decodes a BMP. Throws bad_input that names `file`.
Image decode_bmp(std::span<const std::byte> bytes, const std::string& file, int largest = kMaxImageExtent);

}  // namespace backdrop
