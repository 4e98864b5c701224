/// \file
/// JPEG through libjpeg-turbo, with its default settings in both directions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "loaders/image.h"

namespace backdrop {

/// Decodes a baseline or progressive JPEG, grey or in colour. Damaged and cut data is refused even where
/// libjpeg-turbo would fill the gap with grey. Throws bad_input that names `file`.
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& file, int largest = kMaxImageExtent);

/// Encodes with 4:2:0 chroma, as PIL does by default; `quality` from 1 to 100. Throws failed.
std::vector<std::byte> encode_jpeg(const Image& image, int quality);

}  // namespace backdrop
