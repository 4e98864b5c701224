// Packing and the loop order. A chunk of positions whose input fits in half of L2 meets every panel of
// weights in turn: weights are read once a chunk, inputs once from outside L2.
#include "kernels/position_convolution.h"

#include <algorithm>

#include "kernels/position_block.h"

namespace backdrop::kernels {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{128} << 10;

int round_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

BlockFunction block_for(InstructionSet set) {
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512:
      return block_avx512;
    case InstructionSet::avx2:
      return block_avx2;
#endif
    default:
      return block_portable;
  }
}

}  // namespace

PositionConvolution::PositionConvolution(const ConvolutionShape& shape, const float* weights,
                                         const float* bias, InstructionSet set)
    : shape_(shape),
      set_(set),
      group_channels_(shape.channels / shape.groups),
      start_stride_(round_up(shape.out_channels, kLanes)),
      bias_(start_stride_ + kPanelColumns, 0.0f) {
  std::copy_n(bias, shape.out_channels, bias_.begin());
  pack(weights);
}

void PositionConvolution::pack(const float* weights) {
  const int taps = shape_.kernel * shape_.kernel;
  const int group_columns = shape_.out_channels / shape_.groups;
  std::size_t size = 0;
  for (int group = 0; group < shape_.groups; ++group) {
    for (int k = 0; k < group_columns; k += kPanelColumns) {
      const int columns = std::min(kPanelColumns, group_columns - k);
      panels_.push_back({group * group_columns + k, columns, group * group_channels_, size});
      size += std::size_t(taps) * group_channels_ * round_up(columns, kLanes);
    }
  }
  packed_.assign(size, 0.0f);
  for (const Panel& panel : panels_) {
    const int width = round_up(panel.columns, kLanes);
    for (int tap = 0; tap < taps; ++tap)
      for (int c = 0; c < group_channels_; ++c)
        for (int k = 0; k < panel.columns; ++k)
          packed_[panel.offset + (std::size_t(tap) * group_channels_ + c) * width + k] =
              weights[(std::size_t(panel.column + k) * group_channels_ + c) * taps + tap];
  }
}

void PositionConvolution::run_position(const PositionWork& work, int p, const Panel& panel, int rows,
                                       BlockArguments& arguments, const float* starts) const {
  const auto taps = work.taps_of(p);
  arguments.taps = taps.data();
  arguments.tap_count = static_cast<int>(taps.size());
  arguments.output_offset = work.output[p];
  arguments.residual_tap = work.residual.empty() ? nullptr : &work.residual[p];
  const int start = work.start.empty() ? -1 : work.start[p];
  arguments.start =
      (start < 0 ? bias_.data() : starts + std::ptrdiff_t{start} * start_stride_) + panel.column;
  const BlockFunction block = block_for(set_);
  for (int row = 0; row < rows; row += kBlockRows) {
    arguments.first_row = row;
    block(arguments, std::min(kBlockRows, rows - row));
  }
}

std::int64_t PositionConvolution::run(const PositionWork& work, int rows, const RowPointers& input,
                                      const RowPointers* residual, const float* starts, float slope,
                                      float* const* output) const {
  const int positions = work.positions();
  const std::size_t position_bytes = sizeof(float) * rows * shape_.channels;
  const int chunk = static_cast<int>(std::max<std::size_t>(1, kChunkBytes / position_bytes));
  std::int64_t multiply_adds = 0;
  BlockArguments arguments;
  arguments.channels = group_channels_;
  arguments.input = &input;
  arguments.residual = residual;
  arguments.slope = slope;
  arguments.output = output;
  for (int first = 0; first < positions; first += chunk) {
    const int last = std::min(positions, first + chunk);
    for (const Panel& panel : panels_) {
      arguments.first_channel = panel.channel;
      arguments.panel = packed_.data() + panel.offset;
      arguments.width = round_up(panel.columns, kLanes);
      arguments.columns = panel.columns;
      arguments.first_column = panel.column;
      for (int p = first; p < last; ++p) run_position(work, p, panel, rows, arguments, starts);
      multiply_adds +=
          std::int64_t{work.first_tap[last] - work.first_tap[first]} * group_channels_ * panel.columns * rows;
    }
  }
  return multiply_adds;
}

}  // namespace backdrop::kernels
