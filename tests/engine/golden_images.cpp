/// \file
/// The drawing rule, see golden_images.h.
#include "golden_images.h"

#include <algorithm>

namespace backdrop {
namespace {

constexpr int kCell = 32;

/// 32 well-mixed bits of a position.
std::uint32_t hashed(std::uint32_t x, std::uint32_t y, std::uint32_t channel, std::uint32_t seed) {
  std::uint32_t h = seed * 0x9E3779B1u + x * 0x85EBCA6Bu + y * 0xC2B2AE35u + channel * 0x27D4EB2Fu;
  h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
  h = (h ^ (h >> 12)) * 0x297A2D39u;
  return h ^ (h >> 15);
}

std::uint8_t photo_value(int x, int y, int channel, std::uint32_t seed) {
  const auto corner = [&](int dx, int dy) {
    return static_cast<int>(hashed(x / kCell + dx, y / kCell + dy, channel, seed) & 255);
  };
  const int fx = x % kCell;
  const int fy = y % kCell;
  const int smooth = (corner(0, 0) * (kCell - fx) * (kCell - fy) + corner(1, 0) * fx * (kCell - fy) +
                      corner(0, 1) * (kCell - fx) * fy + corner(1, 1) * fx * fy) /
                     (kCell * kCell);
  const int fine = static_cast<int>(hashed(x + 1000, y + 1000, channel, seed) & 63) - 32;
  return static_cast<std::uint8_t>(std::clamp(smooth + fine, 0, 255));
}

}  // namespace

Image golden_photo(std::uint32_t seed) {
  Image image{kImageSize, kImageSize, {}};
  image.pixels.reserve(static_cast<std::size_t>(kImageSize) * kImageSize * 3);
  for (int y = 0; y < kImageSize; ++y) {
    for (int x = 0; x < kImageSize; ++x) {
      for (int channel = 0; channel < 3; ++channel) image.pixels.push_back(photo_value(x, y, channel, seed));
    }
  }
  return image;
}

Mask golden_mask(int centre_x, int centre_y, int radius) {
  Mask mask{kImageSize, kImageSize, {}};
  mask.values.reserve(static_cast<std::size_t>(kImageSize) * kImageSize);
  for (int y = 0; y < kImageSize; ++y) {
    for (int x = 0; x < kImageSize; ++x) {
      const int dx = x - centre_x;
      const int dy = y - centre_y;
      mask.values.push_back(dx * dx + dy * dy < radius * radius ? 1 : 0);
    }
  }
  return mask;
}

}  // namespace backdrop
