/// \file
/// The maths of the GPU's compositing, as plain functions of an index that tests on the CPU call too.
#pragma once

#include <cstdint>

#include "kernels/cuda_tile.h"

namespace backdrop::kernels {

/// One composite: indices into the photos; -1: the photo plays no part.
struct CompositePair {
  std::int32_t foreground = -1;
  std::int32_t background = -1;
};

/// Photos to normalised inputs: composite n is pairs[n], written at n or slots[n] times pixels.
/// With a list of positions only these are written, in their order.
struct CompositeArguments {
  const std::uint8_t* foregrounds = nullptr;  ///< [F][photo_pixels][3]
  const std::uint32_t* masks = nullptr;       ///< [F][mask_words], bit p % 32 of word p / 32
  const std::uint8_t* backgrounds = nullptr;  ///< [B][photo_pixels][3]
  const CompositePair* pairs = nullptr;
  const std::int32_t* positions = nullptr;  ///< null: all, in order
  const float* table = nullptr;             ///< NormalizationTable, [3][256]
  const std::int32_t* slots = nullptr;
  void* output = nullptr;
  int composites = 0;
  int photo_pixels = 0;
  int mask_words = 0;
  int pixels = 0;  ///< written a composite
};

/// The three intensities that composite n shows at pixel p: the foreground's where its mask is set or where
/// there is no background.
BACKDROP_HOST_DEVICE const std::uint8_t* composite_source(const CompositeArguments& a, int n, int p) {
  const CompositePair pair = a.pairs[n];
  const int pixel = a.positions != nullptr ? a.positions[p] : p;
  const bool inside =
      pair.background < 0 ||
      (pair.foreground >= 0 &&
       (a.masks[static_cast<std::int64_t>(pair.foreground) * a.mask_words + pixel / 32] >> (pixel % 32) &
        1u) != 0);
  const std::uint8_t* photos = inside ? a.foregrounds : a.backgrounds;
  const std::int64_t photo = inside ? pair.foreground : pair.background;
  return photos + (photo * a.photo_pixels + pixel) * 3;
}

/// The same as a pixel of 8 bits, kPixelChannels of them.
BACKDROP_HOST_DEVICE std::uint32_t composite_word(const CompositeArguments& a, int n, int p) {
  const std::uint8_t* source = composite_source(a, n, p);
  return source[0] | static_cast<std::uint32_t>(source[1]) << 8 | static_cast<std::uint32_t>(source[2]) << 16;
}

/// The place of pixel p of composite n in the output, in pixels.
BACKDROP_HOST_DEVICE std::int64_t composite_place(const CompositeArguments& a, int n, int p) {
  const std::int64_t block = a.slots != nullptr ? a.slots[n] : n;
  return block * a.pixels + p;
}

}  // namespace backdrop::kernels
