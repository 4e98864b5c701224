#include <algorithm>

#include "kernels/composite.h"

namespace backdrop::kernels {

NormalizationTable make_normalization_table(const std::array<float, 3>& mean,
                                            const std::array<float, 3>& deviation) {
  NormalizationTable table;
  for (std::size_t channel = 0; channel < 3; ++channel)
    for (std::size_t value = 0; value < 256; ++value)
      table.values[channel][value] =
          (static_cast<float>(value) / 255.0f - mean[channel]) / deviation[channel];
  return table;
}

void composite_cpu(const std::uint8_t* foreground, const std::uint8_t* background, const std::uint8_t* mask,
                   std::size_t pixels, const NormalizationTable& table, float* output) {
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    const std::uint8_t* source = mask[pixel] != 0 ? foreground : background;
    for (std::size_t channel = 0; channel < 3; ++channel)
      output[3 * pixel + channel] = table.values[channel][source[3 * pixel + channel]];
  }
}

void composite_photo_cpu(const std::uint8_t* foreground, const std::uint8_t* background,
                         const std::uint8_t* mask, std::size_t pixels, std::uint8_t* output) {
  // Masks are a few connected shapes: runs of equal values are copied at once.
  for (std::size_t first = 0; first < pixels;) {
    std::size_t end = first + 1;
    while (end < pixels && mask[end] == mask[first]) ++end;
    std::copy_n((mask[first] != 0 ? foreground : background) + 3 * first, 3 * (end - first),
                output + 3 * first);
    first = end;
  }
}

void normalize_cpu(const std::uint8_t* photo, std::size_t pixels, const NormalizationTable& table,
                   float* output) {
  for (std::size_t pixel = 0; pixel < pixels; ++pixel)
    for (std::size_t channel = 0; channel < 3; ++channel)
      output[3 * pixel + channel] = table.values[channel][photo[3 * pixel + channel]];
}

}  // namespace backdrop::kernels
