/// \file
/// Convolution at a list of positions in fp32, as position_convolution.h, with products made of bfloat16
/// terms on tile registers (split_block.h). All positions take the same weights, a tap that is not listed
/// counts as zeros, so a position on a background is one row among many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/aligned.h"
#include "kernels/position_work.h"
#include "kernels/shapes.h"
#include "kernels/split_block.h"

namespace backdrop::kernels {

/// `run` is const and may be called from many threads at once.
class SplitConvolution {
 public:
  /// Whether this processor has the tile registers and a convolution is one that gains by them.
  static bool applies(const ConvolutionShape& shape);

  SplitConvolution(const ConvolutionShape& shape, const float* weights, const float* bias);

  /// Whether enough taps are listed, so that zeros are no waste.
  bool takes(const PositionWork& work) const;

  /// As PositionConvolution::run, whose start sums these are too. `scratch` holds scratch_bytes(), 64-byte
  /// aligned.
  std::int64_t run(const PositionWork& work, int rows, const RowPointers& input, const RowPointers* residual,
                   const float* starts, float slope, float* const* output, std::byte* scratch) const;

  std::size_t scratch_bytes() const { return tile_bytes() + sum_floats() * sizeof(float); }
  std::size_t weight_bytes() const { return packed_.size(); }

 private:
  // A row's inputs, tap by tap of the window, and what it becomes.
  struct Chunk {
    std::vector<std::vector<const float*>> input;
    std::vector<SplitRow> rows;
  };

  void pack(const float* weights);
  int window() const { return shape_.kernel * shape_.kernel; }
  // Of a tap, and of the window; one after the other.
  int tap_tiles() const { return shape_.channels / kSplitChannels; }
  int tiles() const { return window() * tap_tiles(); }
  int depth() const;
  int chunk_rows() const;
  // Of the scratch: terms of a chunk, and behind them its sums.
  std::size_t tile_bytes() const;
  std::size_t sum_floats() const;
  std::ptrdiff_t sum_stride() const;
  bool has_several_blocks() const;
  void split_inputs(const Chunk& chunk, int first, int depth, std::byte* scratch) const;
  void run_chunk(const Chunk& chunk, float slope, std::byte* scratch) const;

  ConvolutionShape shape_;
  AlignedBuffer packed_;  // [strip][tiles()]
  std::vector<float> bias_;
  std::vector<float> zeros_;
};

}  // namespace backdrop::kernels
