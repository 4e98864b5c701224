/// \file
/// The variations of a photo that the IN-9 release holds, made from photo and mask (Xiao, Engstrom, Ilyas,
/// Madry: "Noise or Signal: The Role of Image Backgrounds in Object Recognition", 2020).
#pragma once

#include "loaders/image.h"
#include "loaders/mask.h"

namespace backdrop::demo {

/// The foreground on black.
Image only_foreground(const Image& photo, const Mask& mask);

/// The photo with the foreground's own shape in black.
Image no_foreground(const Image& photo, const Mask& mask);

/// The photo with the foreground's bounding box in black.
Image background_with_box(const Image& photo, const Mask& mask);

/// The photo with the foreground's bounding box filled by tiles of the largest strip of background beside it.
Image background_tiled(const Image& photo, const Mask& mask);

/// The foreground of `photo` on `background`.
Image paste(const Image& photo, const Mask& mask, const Image& background);

}  // namespace backdrop::demo
