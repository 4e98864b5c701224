/// \file
/// 3x3 convolution of stride 1 by Winograd's minimal filtering, over a list of tiles, for many backgrounds at
/// once.
///
/// F(4 x 4, 3 x 3) computes 4 x 4 outputs from 6 x 6 inputs with 36 multiplications a channel pair in place
/// of 144 (A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, 2015): Y = A'[(G g G') . (B'
/// d B)]A. Inputs are read through pointers where they lie (position_work.h), so tiles may mix all three
/// kinds; positions outside the image are zeros. The products are a
/// PositionConvolution whose positions are blocks of rows with one tap: its weight is the point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/instruction_set.h"
#include "kernels/position_convolution.h"
#include "kernels/position_work.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

/// `weight` of a tap that lies outside the image and counts as zero.
inline constexpr std::int16_t kOutside = -1;

/// Outputs and inputs along a tile's side.
inline constexpr int kTile = 4;
inline constexpr int kTileInputs = kTile + 2;
/// Products of a tile for each pair of channels.
inline constexpr int kTilePoints = kTileInputs * kTileInputs;

/// Tiles of a layer, rows first.
struct TileWork {
  std::span<const Tap> inputs;            ///< [T][6 * 6]; weight kOutside: zero
  std::span<const std::int32_t> outputs;  ///< [T][4 * 4] floats from the output's row pointer; -1: not wanted
  std::span<const Tap> residual;          ///< [T][4 * 4] added before the activation; empty: none
};

class WinogradConvolution {
 public:
  /// Whether a convolution has the form that this method takes.
  static bool applies(const ConvolutionShape& shape);

  WinogradConvolution(const ConvolutionShape& shape, const float* weights, const float* bias,
                      InstructionSet set);

  /// Writes activation(convolution + bias + residual) at every wanted output for `rows` rows. `scratch` holds
  /// scratch_floats(), 64-byte aligned. Returns the multiply-adds of the products.
  std::int64_t run(const TileWork& work, int rows, const RowPointers& input, const RowPointers* residual,
                   float slope, float* const* output, float* scratch) const;

  std::size_t scratch_floats() const;
  std::size_t weight_bytes() const { return products_.weight_bytes(); }

 private:
  int chunk_rows() const;
  // The transforms of one chunk; the outputs' are for a panel of output channels, whose products stay in
  // cache. "Flat" rows are the chunk's tiles by backgrounds.
  void transform_inputs(std::span<const Tap> taps, int rows, const RowPointers& input,
                        float* transformed) const;
  void transform_outputs(int panel, const TileWork& work, int first, int count, int rows,
                         const float* products, const RowPointers* residual, float slope,
                         float* const* output) const;

  ConvolutionShape shape_;
  InstructionSet set_;
  PositionConvolution products_;
  std::vector<float> bias_;
};

}  // namespace backdrop::kernels
