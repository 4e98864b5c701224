/// \file
/// Photos and masks in the caller's memory, and photos read from files.
///
/// \code
/// std::vector<std::uint8_t> pixels = camera.grab();  // 224 * 224 * 3 bytes, RGB
/// backdrop::ImageView view{pixels, 224, 224};
/// backdrop::Photo photo = backdrop::read_photo("n02099601_1.JPEG");
/// session.classify(std::array{view, photo.view()});
/// \endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "backdrop/export.h"

namespace backdrop {

/// A photo: 8-bit RGB, [height][width][3], rows top to bottom. The memory stays the caller's and must not
/// change during the call that takes the view.
struct ImageView {
  std::span<const std::uint8_t> pixels;
  int height = 0;
  int width = 0;
};

/// A mask, [height][width]: 1 where the foreground shows, 0 elsewhere; anything else is refused.
struct MaskView {
  std::span<const std::uint8_t> values;
  int height = 0;
  int width = 0;
};

/// A photo of its own, [height][width][3].
struct Photo {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;

  ImageView view() const { return {pixels, height, width}; }
};

/// Reads JPEG, PNG or BMP of any size, told apart by content; JPEG pixels equal PIL's to the bit. Throws
/// bad_input that names the file. Any thread.
BACKDROP_EXPORT Photo read_photo(const std::filesystem::path& file);

}  // namespace backdrop
