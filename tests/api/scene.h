/// \file
/// A few foregrounds and backgrounds in the caller's memory.
#pragma once

#include <string>
#include <vector>

#include "backdrop/search_data.h"
#include "tests/api/models.h"

namespace backdrop::test {

/// Photos of noise; the masks are disks of different sizes.
struct OwnScene {
  std::vector<Photo> photos;
  std::vector<std::vector<std::uint8_t>> masks;
  std::vector<ForegroundView> foregrounds;
  std::vector<BackgroundView> backgrounds;

  OwnScene(int foreground_count, int background_count, int size = kSize) {
    photos.reserve(static_cast<std::size_t>(foreground_count + background_count));
    masks.reserve(static_cast<std::size_t>(foreground_count));
    for (int f = 0; f < foreground_count; ++f) {
      photos.push_back(noise(100u + static_cast<unsigned>(f), size));
      std::vector<std::uint8_t>& mask = masks.emplace_back();
      const int radius = size / 8 + f;
      for (int y = 0; y < size; ++y)
        for (int x = 0; x < size; ++x) {
          const int dy = y - size / 2, dx = x - size / 2;
          mask.push_back(dy * dy + dx * dx < radius * radius);
        }
      foregrounds.push_back({"f" + std::to_string(f), f % 9, photos.back().view(), {mask, size, size}});
    }
    for (int b = 0; b < background_count; ++b) {
      photos.push_back(noise(500u + static_cast<unsigned>(b), size));
      backgrounds.push_back({"b" + std::to_string(b), b % 9, photos.back().view()});
    }
  }

  SearchData data() const { return SearchData::copy(foregrounds, backgrounds); }
};

}  // namespace backdrop::test
