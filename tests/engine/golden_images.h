/// \file
/// Photos and masks drawn from a seed by integer arithmetic, the same as scripts/make_golden.py draws.
#pragma once

#include <cstdint>

#include "loaders/image.h"
#include "loaders/mask.h"

namespace backdrop {

/// Noise interpolated between cells of 32 pixels, plus fine noise, 224 x 224.
Image golden_photo(std::uint32_t seed);

/// 1 inside a circle, 224 x 224.
Mask golden_mask(int centre_x, int centre_y, int radius);

}  // namespace backdrop
