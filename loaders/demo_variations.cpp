// The release's variations of a photo.
#include "loaders/demo_variations.h"

#include <algorithm>

namespace backdrop::demo {

namespace {

/// A rectangle of pixels: columns left..right-1, rows top..bottom-1.
struct Box {
  int left, top, right, bottom;

  int width() const { return right - left; }
  int height() const { return bottom - top; }
  int area() const { return width() * height(); }
};

Box bounding_box(const Mask& mask) {
  Box box{mask.width, mask.height, 0, 0};
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x)
      if (mask.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(mask.width) +
                      static_cast<std::size_t>(x)])
        box = {std::min(box.left, x), std::min(box.top, y), std::max(box.right, x + 1),
               std::max(box.bottom, y + 1)};
  return box;
}

std::uint8_t* pixel(Image& image, int x, int y) {
  return image.pixels.data() +
         (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) *
             3;
}

/// The pixels of `image` where the mask is `kept`, those of `other` elsewhere.
Image select(const Image& image, const Mask& mask, bool kept, const Image* other) {
  Image result = image;
  for (std::size_t i = 0; i < mask.values.size(); ++i)
    if ((mask.values[i] != 0) != kept)
      for (std::size_t c = 3 * i; c < 3 * i + 3; ++c) result.pixels[c] = other ? other->pixels[c] : 0;
  return result;
}

}  // namespace

Image only_foreground(const Image& photo, const Mask& mask) {
  return select(photo, mask, true, nullptr);
}

Image no_foreground(const Image& photo, const Mask& mask) {
  return select(photo, mask, false, nullptr);
}

Image paste(const Image& photo, const Mask& mask, const Image& background) {
  return select(photo, mask, true, &background);
}

Image background_with_box(const Image& photo, const Mask& mask) {
  Image result = photo;
  const Box box = bounding_box(mask);
  for (int y = box.top; y < box.bottom; ++y)
    std::fill(pixel(result, box.left, y), pixel(result, box.left, y) + 3 * box.width(), std::uint8_t{0});
  return result;
}

Image background_tiled(const Image& photo, const Mask& mask) {
  Image result = photo;
  const Box box = bounding_box(mask);
  const Box strips[] = {{0, 0, box.left, photo.height},
                        {box.right, 0, photo.width, photo.height},
                        {0, 0, photo.width, box.top},
                        {0, box.bottom, photo.width, photo.height}};
  const Box& strip = *std::max_element(std::begin(strips), std::end(strips),
                                       [](const Box& a, const Box& b) { return a.area() < b.area(); });
  if (strip.area() == 0) return result;
  for (int y = box.top; y < box.bottom; ++y)
    for (int x = box.left; x < box.right; ++x)
      std::copy_n(pixel(result, strip.left + x % strip.width(), strip.top + y % strip.height()), 3,
                  pixel(result, x, y));
  return result;
}

}  // namespace backdrop::demo
