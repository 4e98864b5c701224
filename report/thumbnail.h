/// \file
/// Small pictures inside a page.
#pragma once

#include <string>

#include "loaders/image.h"
#include "search/inputs.h"

namespace backdrop {

/// Pictures are at most this high and wide.
inline constexpr int kThumbnailSize = 168;

/// The photo as a "data:" address, for the src of an img: shrunk to at most kThumbnailSize.
std::string thumbnail_address(const Image& image);

/// The foreground pasted onto the background as the search does it; empty if their sizes differ.
Image paste(const Foreground& foreground, const Image& background);

}  // namespace backdrop
