/// \file
/// The two transforms around Winograd's products, for one tile and one row. One implementation an instruction
/// set, all from winograd_transform.inl, for each way to store activations.
#pragma once

#include <cstddef>

#include "kernels/precision.h"
#include "kernels/reduced_value.h"

namespace backdrop::kernels {

/// B' d B of one tile. `input[i]` points to the channels of the tile's i-th position (null: zeros); point i
/// goes to output + i * stride elements: floats, and bfloat16 or 16-bit integers below fp32.
struct InputTransform {
  const void* const* input = nullptr;
  /// The same of the tile that comes next: brought into cache along the way.
  const void* const* ahead = nullptr;
  int channels = 0;
  ValueScale scale;  ///< of integer inputs
  void* output = nullptr;
  std::ptrdiff_t stride = 0;
  const float* units_in_one = nullptr;  ///< 16-bit integers: of each point
};

/// activation(A' M A + bias + residual) of one tile. Point i of M is at products + i * stride: floats, or
/// sums of 16-bit integers, whose unit is worth product_scale[i * scale_stride + channel]; `output[i]` is
/// where the i-th output goes (null: not wanted), `residual[i]` what is added to it (null: nothing; the array
/// may be null).
struct OutputTransform {
  const float* products = nullptr;
  std::ptrdiff_t stride = 0;
  int channels = 0;
  const float* bias = nullptr;
  const void* const* residual = nullptr;
  const void* const* ahead = nullptr;  ///< the same of the tile that comes next
  ValueScale residual_scale;           ///< of integer residuals
  float slope = 1.0f;
  void* const* output = nullptr;
  ValueScale output_scale;  ///< of integer outputs
  const float* product_scale = nullptr;
  std::ptrdiff_t scale_stride = 0;
};

struct WinogradTransforms {
  void (*input)(const InputTransform&) = nullptr;
  void (*output)(const OutputTransform&) = nullptr;
};

WinogradTransforms winograd_transforms_avx512();
WinogradTransforms winograd_transforms_avx2();
WinogradTransforms winograd_transforms_portable();

/// For activations stored as int8 or bf16: inputs, and outputs with residuals.
WinogradTransforms reduced_transforms_avx512(Precision read, Precision written);
WinogradTransforms reduced_transforms_portable(Precision read, Precision written);

/// For activations and products of 16-bit integers.
WinogradTransforms int16_transforms_avx512();
WinogradTransforms int16_transforms_avx2();
WinogradTransforms int16_transforms_portable();

}  // namespace backdrop::kernels
