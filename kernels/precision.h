/// \file
/// The arithmetic of a device: how activations and weights are stored and multiplied. Sums have 32 bits in
/// all.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace backdrop {

enum class Precision {
  fp32,  ///< fp32 products, TensorFloat-32 off: the contract
  tf32,  ///< stored as fp32, multiplied with 10 bits of mantissa on tensor cores
  fp16,
  bf16,
  int16,  ///< 16-bit integers with calibrated scales (CPUs with AVX2)
  int8,   ///< 8-bit integers with calibrated scales
  fp8,    ///< e4m3 with calibrated scales, but for the input (GPU)
};

constexpr const char* name(Precision precision) {
  switch (precision) {
    case Precision::tf32:
      return "tf32";
    case Precision::fp16:
      return "fp16";
    case Precision::bf16:
      return "bf16";
    case Precision::int16:
      return "int16";
    case Precision::int8:
      return "int8";
    case Precision::fp8:
      return "fp8";
    case Precision::fp32:
      break;
  }
  return "fp32";
}

inline constexpr Precision kPrecisions[] = {Precision::fp32, Precision::tf32,  Precision::fp16,
                                            Precision::bf16, Precision::int16, Precision::int8,
                                            Precision::fp8};

constexpr std::optional<Precision> precision_named(std::string_view text) {
  for (const Precision precision : kPrecisions)
    if (text == name(precision)) return precision;
  return std::nullopt;
}

/// Bytes of a stored value.
constexpr std::size_t element_bytes(Precision precision) {
  if (precision == Precision::int8 || precision == Precision::fp8) return 1;
  return precision == Precision::fp32 || precision == Precision::tf32 ? 4 : 2;
}

/// Whether activations need scales that are chosen on composites. Fully connected layers do without then.
constexpr bool needs_calibration(Precision precision) {
  return precision == Precision::int16 || precision == Precision::int8 || precision == Precision::fp8;
}

/// Values of one 16-byte access.
constexpr int chunk_elements(Precision precision) {
  return static_cast<int>(16 / element_bytes(precision));
}

/// Channels of a pixel where networks are padded (engine/padded_network.h): three and a zero.
inline constexpr int kPixelChannels = 4;

}  // namespace backdrop
