/// \file
/// Convolution at a list of positions below fp32 (position_convolution.h has the fp32 one): products are of
/// bfloat16, of unsigned 8-bit integers by signed 8-bit weights, or of signed 16-bit integers; integer
/// weights have a scale for each output channel. Sums have 32 bits; bias, residual, activation and rounding
/// to the stored form are done on the way out.
///
/// Products are made of four bytes at a time, so the input channels of a group are a multiple of
/// dot_granule(): pad with zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/aligned.h"
#include "kernels/byte_inputs.h"
#include "kernels/dot_block.h"
#include "kernels/dot_instructions.h"
#include "kernels/int16_weights.h"
#include "kernels/int8_weights.h"
#include "kernels/position_work.h"
#include "kernels/precision.h"
#include "kernels/shapes.h"
#include "kernels/tap_gather.h"

namespace backdrop::kernels {

/// Channels in four bytes.
constexpr int dot_granule(Precision precision) {
  return kGroupBytes / static_cast<int>(element_bytes(precision));
}

/// A convolution with its weights packed. `run` is const and may be called from many threads at once.
class DotConvolution {
 public:
  /// `precision`, that of the products, is int8, int16 (one scale for all input channels) or bf16.
  /// `portable`: plain loops even where there are instructions.
  DotConvolution(Precision precision, const ConvolutionShape& shape, const float* weights, const float* bias,
                 DotScales scales, bool portable);

  /// For run_panel alone: 16-bit weights that are stored already, or weights to be stored as bfloat16.
  DotConvolution(const ConvolutionShape& shape, const Int16Weights& weights, bool portable);
  DotConvolution(const ConvolutionShape& shape, const float* weights, bool portable);

  /// As PositionConvolution::run; the slope is the shape's. `starts` are sums that an earlier run wrote as
  /// DotOutput::sums, [S][start_stride()], and kDotPanelColumns behind the last row that may be anything: a
  /// group's last vector may reach there.
  std::int64_t run(const PositionWork& work, int rows, const RowPointers& input, const RowPointers* residual,
                   const void* starts, DotOutput kind, void* const* output) const;

  /// The sums of one panel's columns only, as PositionConvolution::run_panel.
  std::int64_t run_panel(int panel, const PositionWork& work, int shared, int rows, const RowPointers& input,
                         void* const* output) const;

  int panels() const { return static_cast<int>(panels_.size()); }
  int first_column(int panel) const { return panels_[panel].column; }
  int columns(int panel) const { return panels_[panel].columns; }
  const ConvolutionShape& shape() const { return shape_; }
  /// Sums from one row of start sums to the next: the output channels, rounded up to whole vectors.
  int start_stride() const { return start_stride_; }
  int panel_columns() const { return panel_columns_; }
  int whole_rows() const { return kMaxRows / block_.rows * block_.rows; }
  std::size_t weight_bytes() const { return packed_.size(); }
  /// Integers: what one unit of a sum is worth, for each output channel. Changing one is how a test breaks a
  /// layer.
  std::vector<float>& scale() { return scale_; }

 private:
  /// Columns that share their input channels, at most as many as a block's.
  struct Panel {
    int column = 0;              // first output channel
    int columns = 0;             // valid ones
    int width = 0;               // rounded up to whole vectors
    int channel = 0;             // first input channel
    std::size_t offset = 0;      // in packed_
    std::size_t correction = 0;  // in corrections_
  };

  DotConvolution(Precision precision, const ConvolutionShape& shape, bool gathers, int terms, bool portable);
  void plan_panels();
  /// `common`, what is the same for all panels, with what is the panel's own.
  DotArguments panel_arguments(const Panel& panel, DotArguments common) const;
  /// All panels at positions whose inputs stay in cache meanwhile.
  void run_chunk(const DotArguments& common, std::span<const DotPosition> positions, int rows,
                 bool ask_ahead) const;
  /// Each of these positions' taps once for each term of the weights.
  void repeat_taps(std::span<DotPosition> positions, std::vector<Tap>& repeated) const;
  /// Of a four-byte group of `column`'s weights in a panel; `group` counts those of a tap.
  std::size_t group_offset(const Panel& panel, int tap, int term, int group, int column) const;
  std::size_t tap_bytes(const Panel& panel) const {
    return element_bytes(precision_) * packed_channels_ * panel.width;
  }
  const std::byte* weights_after(const Panel& panel, int tap) const;
  void pack_int8(const float* weights, const std::vector<ValueScale>& input);
  void sum_corrections();
  void pack_bf16(const float* weights);
  void pack_int16(const std::vector<std::int16_t>& weights);
  template <class Stored>
  void pack_pairs(int term, const Stored& stored);
  std::ptrdiff_t ahead_step(std::ptrdiff_t tap_bytes, int positions, int rows) const;

  Precision precision_;
  ConvolutionShape shape_;
  DotScales scales_;
  StoreBytes store_bytes_ = nullptr;  // where inputs are stored as bfloat16 and multiplied as bytes
  int group_channels_ = 0;
  bool gathers_ = false;     // TapGather
  int terms_ = 1;            // DotScales
  int packed_taps_ = 0;      // of a panel: the window's, or one; for each term
  int packed_channels_ = 0;  // of each
  DotBlock block_;
  int panel_columns_ = 0;
  int start_stride_ = 0;
  std::vector<Panel> panels_;
  AlignedBuffer packed_;
  std::vector<std::int32_t> corrections_;  // by panels, or as TapGather wants them; empty: all are 0
  std::vector<float> scale_;
  std::vector<float> bias_;
};

/// The same with plain loops over weights as they are in the checkpoint: the oracle.
void dot_convolution_reference(Precision precision, const ConvolutionShape& shape, const float* weights,
                               const float* bias, const DotScales& scales, const PositionWork& work, int rows,
                               const RowPointers& input, const RowPointers* residual, const void* starts,
                               int start_stride, DotOutput kind, void* const* output);

}  // namespace backdrop::kernels
