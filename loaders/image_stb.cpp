// PNG and BMP through stb_image, with what it leaves out: PNG checksums, a BMP's length and a bound on
// memory.
#include "loaders/image_stb.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string_view>

#include "backdrop/error.h"
#include "core/crc32.h"

namespace {

// A full-size RGBA picture is 1 GiB; a compressed stream that grows past this is an attack on memory.
constexpr std::size_t kMaxAllocation = std::size_t{2} << 30;

void* bounded_malloc(std::size_t size) {
  return size > kMaxAllocation ? nullptr : std::malloc(size);
}
void* bounded_realloc(void* old, std::size_t size) {
  return size > kMaxAllocation ? nullptr : std::realloc(old, size);
}

}  // namespace

#define STBI_MALLOC(size) bounded_malloc(size)
#define STBI_REALLOC(old, size) bounded_realloc(old, size)
#define STBI_FREE(pointer) std::free(pointer)
#define STBI_MAX_DIMENSIONS 16384
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

namespace backdrop {

static_assert(STBI_MAX_DIMENSIONS == kMaxImageExtent);

namespace {

constexpr std::size_t kPngSignature = 8;

std::uint32_t big_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes.first(4)) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

/// A type is four letters, the first a capital where a decoder must know the chunk. stb_image names one that
/// it does not know in a buffer that all threads share.
void check_chunk_type(std::string_view type, const std::string& file) {
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (!std::ranges::all_of(type, is_letter))
    throw Error(ErrorCode::bad_input, "is a damaged PNG: the type of a chunk is not four letters", file);
  constexpr std::string_view kKnown[] = {"IHDR", "PLTE", "IDAT", "IEND", "CgBI"};
  if (type[0] < 'a' && std::ranges::find(kKnown, type) == std::end(kKnown))
    throw Error(ErrorCode::bad_input, fmt::format("is a PNG with the unknown chunk {}", type), file);
}

/// Walks the chunks (length, type, data, CRC of type and data) up to IEND.
void check_png_chunks(std::span<const std::byte> bytes, const std::string& file) {
  std::span<const std::byte> rest = bytes.subspan(kPngSignature);
  while (rest.size() >= 12) {
    const std::size_t length = big_endian(rest);
    if (length > rest.size() - 12) break;
    const std::span<const std::byte> body = rest.subspan(4, 4 + length);
    if (crc32(body) != big_endian(rest.subspan(8 + length)))
      throw Error(ErrorCode::bad_input, "is a damaged PNG: a chunk does not match its CRC", file);
    const std::string_view type(reinterpret_cast<const char*>(body.data()), 4);
    check_chunk_type(type, file);
    if (type == "IEND") return;
    rest = rest.subspan(12 + length);
  }
  throw Error(ErrorCode::bad_input, "is a PNG that was cut short: copy or download it again", file);
}

void check_extent(std::uint32_t width, std::uint32_t height, int largest, const std::string& file) {
  const auto most = static_cast<std::uint32_t>(largest);
  if (width > most || height > most || width < 1 || height < 1)
    throw Error(ErrorCode::bad_input,
                fmt::format("is {}x{} pixels; 1x1 to {}x{} are decoded", width, height, largest, largest),
                file);
}

/// A BMP's header gives the file's length; stb_image fills what is missing with zeros.
void check_bmp_length(std::span<const std::byte> bytes, const std::string& file) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4 && 2 + i < bytes.size(); ++i)
    length |= std::to_integer<std::size_t>(bytes[2 + i]) << (8 * i);
  if (length > bytes.size())
    throw Error(ErrorCode::bad_input, "is a BMP that was cut short: copy or download it again", file);
}

struct FreePixels {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

Image decode(std::span<const std::byte> bytes, const std::string& file, int largest) {
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  if (bytes.size() > std::size_t{std::numeric_limits<int>::max()})
    throw Error(ErrorCode::bad_input, "is too large", file);
  const int size = static_cast<int>(bytes.size());
  const auto damaged = [&] {
    return Error(ErrorCode::bad_input, fmt::format("is a damaged image: {}", stbi_failure_reason()), file);
  };

  int width = 0;
  int height = 0;
  int channels = 0;
  if (!stbi_info_from_memory(data, size, &width, &height, &channels)) throw damaged();
  // A BMP whose rows run from the top down has a negative height, which the decoder takes.
  const auto rows = static_cast<std::uint32_t>(height);
  check_extent(static_cast<std::uint32_t>(width), height < 0 ? 0u - rows : rows, largest, file);
  if (stbi_is_16_bit_from_memory(data, size))
    throw Error(ErrorCode::bad_input, "has 16 bits a channel; convert it to 8 bits", file);
  const std::unique_ptr<stbi_uc, FreePixels> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 3));
  if (!pixels) throw damaged();
  const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  return {.height = height, .width = width, .pixels = {pixels.get(), pixels.get() + count}};
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, const std::string& file, int largest) {
  check_png_chunks(bytes, file);
  // Of a picture above its own limit stb_image says no more than that the type is unknown. IHDR comes first.
  constexpr std::size_t kType = kPngSignature + 4;
  const std::string_view type(reinterpret_cast<const char*>(bytes.data()) + kType, 4);
  if (type == "IHDR" && bytes.size() >= kType + 12)
    check_extent(big_endian(bytes.subspan(kType + 4)), big_endian(bytes.subspan(kType + 8)), largest, file);
  return decode(bytes, file, largest);
}

Image decode_bmp(std::span<const std::byte> bytes, const std::string& file, int largest) {
  check_bmp_length(bytes, file);
  return decode(bytes, file, largest);
}

}  // namespace backdrop
