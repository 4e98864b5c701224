// Shrinks photos by averaging areas, and writes them as base64 (RFC 4648) of a JPEG.
#include "report/thumbnail.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "loaders/image_jpeg.h"

namespace backdrop {
namespace {

/// The pixels of a row or column that one pixel of the thumbnail covers, with the share of each.
struct Cover {
  int begin = 0;
  std::vector<float> weights;
};

std::vector<Cover> covers(int from, int to) {
  std::vector<Cover> result(static_cast<std::size_t>(to));
  const double scale = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double low = i * scale, high = std::min<double>((i + 1) * scale, from);
    Cover& cover = result[static_cast<std::size_t>(i)];
    cover.begin = static_cast<int>(low);
    for (int x = cover.begin; x < high && x < from; ++x) {
      const double part = std::min<double>(high, x + 1) - std::max<double>(low, x);
      cover.weights.push_back(static_cast<float>(part / (high - low)));
    }
  }
  return result;
}

std::uint8_t covered_value(const Image& image, const Cover& rows, const Cover& columns, std::size_t channel) {
  float sum = 0;
  for (std::size_t y = 0; y < rows.weights.size(); ++y)
    for (std::size_t x = 0; x < columns.weights.size(); ++x) {
      const std::size_t row = static_cast<std::size_t>(rows.begin) + y;
      const std::size_t pixel =
          row * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(columns.begin) + x;
      sum += rows.weights[y] * columns.weights[x] * image.pixels[pixel * 3 + channel];
    }
  return static_cast<std::uint8_t>(std::min(sum + 0.5f, 255.0f));
}

Image shrink(const Image& image) {
  const double scale = static_cast<double>(kThumbnailSize) / std::max(image.height, image.width);
  const auto extent = [scale](int size) { return std::max(1, static_cast<int>(size * scale + 0.5)); };
  Image small{extent(image.height), extent(image.width), {}};
  small.pixels.reserve(static_cast<std::size_t>(small.height) * static_cast<std::size_t>(small.width) * 3);
  const std::vector<Cover> columns = covers(image.width, small.width);
  for (const Cover& rows : covers(image.height, small.height))
    for (const Cover& column : columns)
      for (std::size_t c = 0; c < 3; ++c) small.pixels.push_back(covered_value(image, rows, column, c));
  return small;
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
  const bool large = std::max(image.height, image.width) > kThumbnailSize;
  return "data:image/jpeg;base64," + base64(encode_jpeg(large ? shrink(image) : image, 80));
}

Image paste(const Foreground& foreground, const Image& background) {
  const Image& photo = foreground.image;
  const Mask& mask = foreground.mask;
  const bool match = photo.pixels.size() == background.pixels.size() && photo.width == background.width &&
                     mask.width == photo.width && mask.values.size() * 3 == photo.pixels.size();
  if (!match) return {};
  Image composite = background;
  for (std::size_t pixel = 0; pixel < mask.values.size(); ++pixel)
    if (mask.values[pixel] != 0)
      std::copy_n(photo.pixels.begin() + static_cast<std::ptrdiff_t>(pixel * 3), 3,
                  composite.pixels.begin() + static_cast<std::ptrdiff_t>(pixel * 3));
  return composite;
}

}  // namespace backdrop
