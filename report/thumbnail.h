/// \file
/// Small pictures inside a page.
#pragma once

#include <string>

#include "loaders/image.h"

namespace backdrop {

/// The photo at half its size as a "data:" address, for the src of an img.
std::string thumbnail_address(const Image& image);

}  // namespace backdrop
