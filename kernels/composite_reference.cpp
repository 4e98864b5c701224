#include <algorithm>

#include "kernels/composite.h"

namespace backdrop::kernels {

void composite_reference(const std::uint8_t* foreground, const std::uint8_t* background,
                         const std::uint8_t* mask, std::size_t pixels, const std::array<float, 3>& mean,
                         const std::array<float, 3>& deviation, float* output) {
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const std::size_t i = 3 * pixel + channel;
      const float m = static_cast<float>(mask[pixel]);
      const float blend = static_cast<float>(background[i]) / 255.0f * (1.0f - m) +
                          static_cast<float>(foreground[i]) / 255.0f * m;
      output[i] = (std::clamp(blend, 0.0f, 1.0f) - mean[channel]) / deviation[channel];
    }
  }
}

void composite_photo_reference(const std::uint8_t* foreground, const std::uint8_t* background,
                               const std::uint8_t* mask, std::size_t pixels, std::uint8_t* output) {
  for (std::size_t pixel = 0; pixel < pixels; ++pixel)
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const std::size_t i = 3 * pixel + channel;
      output[i] = static_cast<std::uint8_t>(background[i] * (1 - mask[pixel]) + foreground[i] * mask[pixel]);
    }
}

}  // namespace backdrop::kernels
