/// \file
/// The demo's checkpoint, and photos of noise for it.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "backdrop/image_view.h"

namespace backdrop::test {

inline const std::string kDemoCheckpoint = BACKDROP_SOURCE_DIR "/models/demo/demo-resnet18.pt";
inline constexpr int kSize = 224;

inline Photo noise(unsigned seed, int size = kSize) {
  std::mt19937 random(seed);
  Photo photo{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size) * size * 3)};
  for (std::uint8_t& value : photo.pixels) value = static_cast<std::uint8_t>(random());
  return photo;
}

}  // namespace backdrop::test
