/// \file
/// Photos as the engine takes them: 8-bit RGB, rows top to bottom.
///
/// JPEG pixels equal libjpeg-turbo's default decoding (what PIL reads) to the bit; every other format goes
/// through stb_image.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/parallel.h"

namespace backdrop {

/// Height and width of every photo and mask of the IN-9 release.
inline constexpr int kImageSize = 224;

/// An RGB photo, `pixels` laid out [height][width][3].
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Reads one photo of any size. Throws bad_input that names the file and the reason.
Image read_image(const std::filesystem::path& path);

/// Reads photos in parallel, in the order given. Each must be `size` x `size` pixels: nothing is resized.
std::vector<Image> read_images(std::span<const std::filesystem::path> paths, ThreadPool& pool,
                               int size = kImageSize);

}  // namespace backdrop
