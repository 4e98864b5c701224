// Halves a photo by averaging 2 x 2 pixels, and writes it as base64 (RFC 4648) of a JPEG.
#include "report/thumbnail.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "loaders/image_jpeg.h"

namespace backdrop {
namespace {

Image halve(const Image& image) {
  Image half{image.height / 2, image.width / 2, {}};
  half.pixels.reserve(static_cast<std::size_t>(half.height) * static_cast<std::size_t>(half.width) * 3);
  const std::size_t row = static_cast<std::size_t>(image.width) * 3;
  for (int y = 0; y < half.height; ++y)
    for (int x = 0; x < half.width; ++x)
      for (std::size_t c = 0; c < 3; ++c) {
        const std::uint8_t* corner = image.pixels.data() + static_cast<std::size_t>(2 * y) * row +
                                     static_cast<std::size_t>(2 * x) * 3 + c;
        half.pixels.push_back(
            static_cast<std::uint8_t>((corner[0] + corner[3] + corner[row] + corner[row + 3] + 2) / 4));
      }
  return half;
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t present = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (j < present ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0);
    for (std::size_t j = 0; j < 4; ++j) text += j <= present ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace

std::string thumbnail_address(const Image& image) {
  const Image small = image.height > 1 && image.width > 1 ? halve(image) : image;
  return "data:image/jpeg;base64," + base64(encode_jpeg(small, 85));
}

}  // namespace backdrop
