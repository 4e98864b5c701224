/// \file
/// The two transforms around Winograd's products, for one tile and one row. One implementation an instruction
/// set, all from winograd_transform.inl.
#pragma once

#include <cstddef>

namespace backdrop::kernels {

/// B' d B of one tile. `input[i]` points to the channels of the tile's i-th position (null: zeros); point i
/// goes to output + i * stride.
struct InputTransform {
  const float* const* input = nullptr;
  int channels = 0;
  float* output = nullptr;
  std::ptrdiff_t stride = 0;
};

/// activation(A' M A + bias + residual) of one tile. Point i of M is at products + i * stride; `output[i]` is
/// where the i-th output goes (null: not wanted), `residual[i]` what is added to it (null: nothing; the array
/// may be null).
struct OutputTransform {
  const float* products = nullptr;
  std::ptrdiff_t stride = 0;
  int channels = 0;
  const float* bias = nullptr;
  const float* const* residual = nullptr;
  float slope = 1.0f;
  float* const* output = nullptr;
};

struct WinogradTransforms {
  void (*input)(const InputTransform&) = nullptr;
  void (*output)(const OutputTransform&) = nullptr;
};

WinogradTransforms winograd_transforms_avx512();
WinogradTransforms winograd_transforms_avx2();
WinogradTransforms winograd_transforms_portable();

}  // namespace backdrop::kernels
