/// \file
/// Photos as the engine takes them: 8-bit RGB, rows top to bottom.
///
/// The format is told by content, not by name. JPEG pixels equal libjpeg-turbo's default decoding (what PIL
/// reads) to the bit; PNG and BMP go through stb_image. As with PIL's convert('RGB'), grey is
/// replicated, an alpha channel is dropped and an EXIF orientation is not applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/parallel.h"

namespace backdrop {

/// Height and width of every photo and mask of the IN-9 release.
inline constexpr int kImageSize = 224;

/// The largest height or width that is decoded; checked before anything is allocated.
inline constexpr int kMaxImageExtent = 16384;

/// An RGB photo, `pixels` laid out [height][width][3].
struct Image {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;
};

/// Reads one photo of any size. Throws bad_input that names the file and the reason.
Image read_image(const std::filesystem::path& path);

/// The same for the bytes of a file that is already in memory; `file` is the name for errors. A photo higher
/// or wider than `largest` is refused before anything is allocated for it.
Image decode_image(std::span<const std::byte> bytes, const std::string& file, int largest = kMaxImageExtent);

/// Reads photos in parallel, in the order given. Each must be `size` x `size` pixels: nothing is resized.
std::vector<Image> read_images(std::span<const std::filesystem::path> paths, ThreadPool& pool,
                               int size = kImageSize);

}  // namespace backdrop
