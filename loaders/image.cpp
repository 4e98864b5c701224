// Tells a photo's format by its first bytes and hands it to the decoder for it.
#include "loaders/image.h"

#include <fmt/format.h>

#include <string_view>

#include "backdrop/error.h"
#include "loaders/file.h"
#include "loaders/image_jpeg.h"
#include "loaders/image_stb.h"

namespace backdrop {

namespace {

constexpr std::size_t kMaxPhotoBytes = std::size_t{256} << 20;

/// Names a format that is recognised but not read, empty if unknown.
std::string_view foreign_format(std::string_view start) {
  if (start.starts_with("GIF8")) return "a GIF";
  if (start.starts_with("RIFF") && start.substr(0, 12).ends_with("WEBP")) return "a WebP image";
  if (start.starts_with(std::string_view("II*\0", 4)) || start.starts_with(std::string_view("MM\0*", 4)))
    return "a TIFF image";
  if (start.size() >= 8 && start.substr(4, 4) == "ftyp") return "a HEIF, AVIF or video file";
  if (start.starts_with("P5") || start.starts_with("P6")) return "a PNM image";
  if (start.starts_with("8BPS")) return "a Photoshop file";
  if (start.starts_with("PK\x03\x04")) return "a zip archive";
  if (start.starts_with("\x1F\x8B")) return "a gzip archive";
  if (start.starts_with("\x93NUMPY")) return "a .npy array";
  return {};
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, const std::string& file, int largest) {
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (start.starts_with("\xFF\xD8\xFF")) return decode_jpeg(bytes, file, largest);
  if (start.starts_with("\x89PNG\r\n\x1A\n")) return decode_png(bytes, file, largest);
  if (start.starts_with("BM")) return decode_bmp(bytes, file, largest);

  std::string reason = describe_stray_content(bytes);
  if (reason.empty()) {
    const std::string_view format = foreign_format(start);
    reason = format.empty() ? "is not an image in a known format (JPEG, PNG or BMP)"
                            : fmt::format("is {}; convert it to JPEG or PNG", format);
  }
  throw Error(ErrorCode::bad_input, reason, file);
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_file(path, kMaxPhotoBytes), path.string());
}

std::vector<Image> read_images(std::span<const std::filesystem::path> paths, ThreadPool& pool, int size) {
  std::vector<Image> images(paths.size());
  pool.run(paths.size(), [&](std::size_t index, int) {
    Image image = read_image(paths[index]);
    if (image.height != size || image.width != size)
      throw Error(
          ErrorCode::bad_input,
          fmt::format("is {}x{} pixels where {}x{} are needed: IN-9 images are {}x{} and are not resized",
                      image.width, image.height, size, size, kImageSize, kImageSize),
          paths[index].string());
    images[index] = std::move(image);
  });
  return images;
}

}  // namespace backdrop
