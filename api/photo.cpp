// Pixels in and out of the library: files to photos, the caller's memory to the engine's images.
#include <fmt/format.h>

#include <algorithm>

#include "api/parts.h"
#include "backdrop/error.h"
#include "backdrop/image_view.h"
#include "loaders/image.h"
#include "loaders/mask.h"

namespace backdrop {
namespace {

void check_size(int height, int width, std::size_t bytes, int channels, const ValueShape& expected,
                const std::string& what) {
  if (height != expected.height || width != expected.width)
    throw Error(ErrorCode::usage, fmt::format("{} is {} x {}: {} x {} is needed", what, height, width,
                                              expected.height, expected.width));
  const std::size_t needed =
      static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  if (bytes != needed)
    throw Error(ErrorCode::usage, fmt::format("{} has {} bytes: {} x {} x {} are {}", what, bytes, height,
                                              width, channels, needed));
}

}  // namespace

Photo read_photo(const std::filesystem::path& file) {
  Image image = read_image(file);
  return {image.height, image.width, std::move(image.pixels)};
}

void check_image(const ImageView& view, const ValueShape& expected, const std::string& what) {
  check_size(view.height, view.width, view.pixels.size(), 3, expected, what);
}

Image copy_image(const ImageView& view, const ValueShape& expected, const std::string& what) {
  check_image(view, expected, what);
  return {view.height, view.width, {view.pixels.begin(), view.pixels.end()}};
}

Mask copy_mask(const MaskView& view, const ValueShape& expected, const std::string& what) {
  check_size(view.height, view.width, view.values.size(), 1, expected, what);
  if (std::any_of(view.values.begin(), view.values.end(), [](std::uint8_t value) { return value > 1; }))
    throw Error(ErrorCode::usage, what + " holds other values than 0 and 1");
  return {view.height, view.width, {view.values.begin(), view.values.end()}};
}

}  // namespace backdrop
