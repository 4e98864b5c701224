/// \file
/// winograd.h's convolution below fp32: activations stored as bfloat16 or 8-bit integers, transforms in fp32,
/// products of bfloat16 summed in fp32. On AVX-512 a product costs half of fp32's and, with a quarter of the
/// products, half of what 8-bit ones cost without the transforms. Activations of 16-bit integers have
/// products of such, with a scale for each point's inputs, and for its weights one an output channel.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/dot_convolution.h"
#include "kernels/precision.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

namespace backdrop::kernels {

class ReducedWinograd {
 public:
  /// `read`, the inputs' form, is int8 or int16, with one scale for all channels, or bf16. Channels are even;
  /// int16 is written as such. WinogradConvolution says which shapes this takes. `portable`: plain loops even
  /// where there are instructions.
  ReducedWinograd(Precision read, const ConvolutionShape& shape, const float* weights, const float* bias,
                  const DotScales& scales, bool portable);

  /// As WinogradConvolution::run, with stored activations; the slope is the shape's. `scratch` holds
  /// scratch_bytes(), 64-byte aligned.
  std::int64_t run(const TileWork& work, int rows, const RowPointers& input, const RowPointers* residual,
                   void* const* output, std::byte* scratch) const;

  std::size_t scratch_bytes() const;
  std::size_t weight_bytes() const { return products_.weight_bytes(); }

 private:
  DotConvolution make_products(Precision read, const ConvolutionShape& shape, const float* weights,
                               const DotScales& scales);
  WinogradTransforms transforms() const;
  int chunk_rows() const;
  std::size_t transformed_bytes(std::int64_t flat) const;
  void transform_inputs(std::span<const Tap> taps, int rows, const RowPointers& input,
                        std::uint16_t* transformed) const;
  void transform_outputs(int panel, const TileWork& work, int first, int count, int rows,
                         const float* products, const RowPointers* residual, void* const* output) const;

  Precision read_;
  Precision written_;
  ConvolutionShape shape_;
  ValueScale input_scale_;
  DotScales scales_;
  bool portable_;
  // int16: of the transformed inputs, [point], and what a unit of each product is worth,
  // [point][out_channels].
  std::vector<float> units_in_one_;
  std::vector<float> product_scale_;
  DotConvolution products_;
  std::vector<float> bias_;
};

}  // namespace backdrop::kernels
