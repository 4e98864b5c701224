// Foreground masks: every numeric type of numpy is widened to double, which holds 0 and 1 exactly and rounds
// no other value to them.
#include "loaders/mask.h"

#include <fmt/format.h>

#include <bit>

#include "backdrop/error.h"
#include "loaders/file.h"
#include "loaders/half.h"
#include "loaders/npy.h"

namespace backdrop {

namespace {

constexpr std::size_t kMaxMaskBytes = std::size_t{256} << 20;

std::uint64_t load_bits(std::span<const std::byte> item, bool big_endian) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < item.size(); ++i)
    bits = bits << 8 | std::to_integer<std::uint64_t>(item[big_endian ? i : item.size() - 1 - i]);
  return bits;
}

double to_double(std::uint64_t bits, char kind, std::size_t bytes) {
  if (kind == 'f' && bytes == 2) return from_half(static_cast<std::uint16_t>(bits));
  if (kind == 'f' && bytes == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (kind == 'f') return std::bit_cast<double>(bits);
  if (kind == 'i') {
    const std::size_t unused = 64 - 8 * bytes;
    return static_cast<double>(static_cast<std::int64_t>(bits << unused) >> unused);
  }
  return static_cast<double>(bits);
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

void check_shape(const NpyHeader& header, const std::string& file) {
  if (header.shape.size() != 2)
    throw Error(
        ErrorCode::bad_input,
        fmt::format("has shape {}; a mask has two dimensions, height and width", shape_text(header.shape)),
        file);
  for (const std::size_t extent : header.shape)
    if (extent == 0 || extent > std::size_t{kMaxImageExtent})
      throw Error(ErrorCode::bad_input,
                  fmt::format("has shape {}; a mask is 1 to {} pixels high and wide",
                              shape_text(header.shape), kMaxImageExtent),
                  file);
}

}  // namespace

Mask decode_mask(std::span<const std::byte> bytes, const std::string& file) {
  if (const std::string stray = describe_stray_content(bytes); !stray.empty())
    throw Error(ErrorCode::bad_input, stray, file);
  const NpyView view = parse_npy(bytes, file);
  const NpyHeader& header = view.header;
  check_shape(header, file);

  const std::size_t height = header.shape[0];
  const std::size_t width = header.shape[1];
  const bool big_endian = header.type[0] == '>';
  Mask mask{.height = static_cast<int>(height), .width = static_cast<int>(width), .values = {}};
  mask.values.resize(height * width);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t index = header.fortran_order ? x * height + y : y * width + x;
      const auto item = view.data.subspan(index * header.item_bytes, header.item_bytes);
      const double value = to_double(load_bits(item, big_endian), header.type[1], header.item_bytes);
      if (value != 0 && value != 1)
        throw Error(ErrorCode::bad_input,
                    fmt::format("holds {} at row {}, column {}; a mask holds 0 and 1 only", value, y, x),
                    file);
      mask.values[y * width + x] = value != 0;
    }
  return mask;
}

Mask read_mask(const std::filesystem::path& path) {
  return decode_mask(read_file(path, kMaxMaskBytes), path.string());
}

std::vector<Mask> read_masks(std::span<const std::filesystem::path> paths, ThreadPool& pool, int size) {
  std::vector<Mask> masks(paths.size());
  pool.run(paths.size(), [&](std::size_t index, int) {
    Mask mask = read_mask(paths[index]);
    if (mask.height != size || mask.width != size)
      throw Error(ErrorCode::bad_input,
                  fmt::format("is {}x{} where {}x{} is needed: IN-9 masks are {}x{} and are not resized",
                              mask.width, mask.height, size, size, kImageSize, kImageSize),
                  paths[index].string());
    masks[index] = std::move(mask);
  });
  return masks;
}

}  // namespace backdrop
