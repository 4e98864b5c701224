/// \file
/// Compositing fused with normalisation: background * (1 - mask) + foreground * mask in [0,1], then
/// (x - mean) / deviation per channel, from 8-bit photos straight to the network's input [H][W][3].
///
/// Masks are 0 or 1, so the blend is a choice, and a normalised value is one of 256 a channel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace backdrop::kernels {

/// `values[c][v]` is the normalised value of intensity v in channel c, as PyTorch computes it in fp32:
/// (v / 255 - mean) / deviation.
struct NormalizationTable {
  std::array<std::array<float, 256>, 3> values;
};

NormalizationTable make_normalization_table(const std::array<float, 3>& mean,
                                            const std::array<float, 3>& deviation);

/// The formula as the contract states it, term by term.
void composite_reference(const std::uint8_t* foreground, const std::uint8_t* background,
                         const std::uint8_t* mask, std::size_t pixels, const std::array<float, 3>& mean,
                         const std::array<float, 3>& deviation, float* output);

/// The composite as a photo: 8-bit RGB, each value the foreground's or the background's.
void composite_photo_reference(const std::uint8_t* foreground, const std::uint8_t* background,
                               const std::uint8_t* mask, std::size_t pixels, std::uint8_t* output);

void composite_photo_cpu(const std::uint8_t* foreground, const std::uint8_t* background,
                         const std::uint8_t* mask, std::size_t pixels, std::uint8_t* output);

void composite_cpu(const std::uint8_t* foreground, const std::uint8_t* background, const std::uint8_t* mask,
                   std::size_t pixels, const NormalizationTable& table, float* output);

/// One photo without compositing.
void normalize_cpu(const std::uint8_t* photo, std::size_t pixels, const NormalizationTable& table,
                   float* output);

}  // namespace backdrop::kernels
