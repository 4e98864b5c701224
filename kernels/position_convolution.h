/// \file
/// Convolution at a list of positions, for many backgrounds at once: a GEMM whose row block is the
/// backgrounds of one position, and whose taps are contiguous blocks behind pointers (position_work.h).
///
/// Taps outside the image are simply not listed, so zero padding costs nothing. Taps that are the same for
/// all backgrounds (foreground-only positions) are summed once into "start sums" from which the rows then
/// start.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/aligned.h"
#include "core/instruction_set.h"
#include "kernels/position_block.h"
#include "kernels/position_work.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

/// Columns of one packed panel of weights, which stays in L2.
inline constexpr int kPanelColumns = 64;

/// A convolution with its weights packed. `run` is const and may be called from many threads at once.
class PositionConvolution {
 public:
  PositionConvolution(const ConvolutionShape& shape, const float* weights, const float* bias,
                      InstructionSet set);

  /// Writes activation(start + sum over taps + residual) for `rows` rows (1..kMaxRows) of every position in
  /// `work` to output[row] + work.output[p]. `starts` is [S][start_stride()], and kPanelColumns behind the
  /// last row that may be anything: a group's last vector may reach there; null if work.start is empty.
  /// `residual` is null if work.residual is empty. `slope` is the activation's (shapes.h). Returns the
  /// multiply-adds that were done.
  std::int64_t run(const PositionWork& work, int rows, const RowPointers& input, const RowPointers* residual,
                   const float* starts, float slope, float* const* output) const;

  /// The columns of one panel only, without bias, residual or activation: to output[row] + work.output[p]
  /// from there on. For products whose positions have one tap each, `shared` after another the same weights.
  std::int64_t run_panel(int panel, const PositionWork& work, int shared, int rows, const RowPointers& input,
                         float* const* output) const;

  int panels() const { return static_cast<int>(panels_.size()); }
  int first_column(int panel) const { return panels_[panel].column; }
  int columns(int panel) const { return panels_[panel].columns; }
  const ConvolutionShape& shape() const { return shape_; }
  /// Floats from one row of start sums to the next: the output channels, rounded up to whole vectors.
  int start_stride() const { return start_stride_; }
  /// The most rows of a call that are whole register blocks.
  int whole_rows() const { return kMaxRows / block_.rows * block_.rows; }
  std::size_t weight_bytes() const { return packed_.size(); }

 private:
  /// Columns that share their input channels, at most kPanelColumns.
  struct Panel {
    int column = 0;          // first output channel
    int columns = 0;         // valid ones; the width is this rounded up to whole vectors
    int channel = 0;         // first input channel
    std::size_t offset = 0;  // in packed_
  };

  void pack(const float* weights);
  int strip_of(int width) const { return std::min(width, block_.strip); }
  std::ptrdiff_t ahead_step(int width, int positions, int rows) const;
  BlockArguments panel_arguments(const Panel& panel, const RowPointers& input, float* const* output) const;
  const std::byte* weights_after(const Panel& panel, int tap) const;
  void run_position(const PositionWork& work, int p, int rows, BlockArguments& arguments) const;

  ConvolutionShape shape_;
  PositionBlock block_;
  int group_channels_ = 0;
  int start_stride_ = 0;
  std::vector<Panel> panels_;
  AlignedBuffer packed_;
  std::vector<float> bias_;
};

/// The same with plain loops over weights as they are in the checkpoint: the oracle.
void position_convolution_reference(const ConvolutionShape& shape, const float* weights, const float* bias,
                                    const PositionWork& work, int rows, const RowPointers& input,
                                    const RowPointers* residual, const float* starts, int start_stride,
                                    float slope, float* const* output);

}  // namespace backdrop::kernels
