// Packing and the loop order. A chunk of positions whose input fits in half of L2 meets every panel of
// weights in turn: weights are read once a chunk, inputs once from outside L2.
#include "kernels/position_convolution.h"

#include <algorithm>

#include "core/rounding.h"
#include "kernels/position_block.h"

namespace backdrop::kernels {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{128} << 10;

}  // namespace

PositionConvolution::PositionConvolution(const ConvolutionShape& shape, const float* weights,
                                         const float* bias, InstructionSet set)
    : shape_(shape),
      block_(position_block(set)),
      group_channels_(shape.channels / shape.groups),
      start_stride_(round_up(shape.out_channels, kLanes)),
      bias_(start_stride_ + kPanelColumns, 0.0f) {
  std::copy_n(bias, shape.out_channels, bias_.begin());
  pack(weights);
}

// Whole lines are written, from as many filters as stay in cache meanwhile.
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
  packed_ = AlignedBuffer(size * sizeof(float));
  float* const packed = packed_.floats();
  std::fill_n(packed, size, 0.0f);
  for (const Panel& panel : panels_) {
    const int width = round_up(panel.columns, kLanes);
    const int strip = strip_of(width);
    for (int first = 0; first < panel.columns; first += strip) {
      const int columns = std::min(strip, panel.columns - first);
      for (int c = 0; c < group_channels_; ++c)
        for (int tap = 0; tap < taps; ++tap) {
          const std::size_t strips = std::size_t(tap) * (width / strip) + first / strip;
          float* const to = packed + panel.offset + (strips * group_channels_ + c) * strip;
          for (int k = 0; k < columns; ++k)
            to[k] = weights[(std::size_t(panel.column + first + k) * group_channels_ + c) * taps + tap];
        }
    }
  }
}

BlockArguments PositionConvolution::panel_arguments(const Panel& panel, const RowPointers& input,
                                                    float* const* output) const {
  BlockArguments arguments;
  arguments.channels = group_channels_;
  arguments.first_channel = panel.channel;
  arguments.panel = packed_.floats() + panel.offset;
  arguments.width = round_up(panel.columns, kLanes);
  arguments.columns = panel.columns;
  arguments.input = &input;
  arguments.output = output;
  return arguments;
}

// What is read when all taps up to `tap` are done: panels follow each other, and the first comes again.
const std::byte* PositionConvolution::weights_after(const Panel& panel, int tap) const {
  const std::size_t tap_size = std::size_t(group_channels_) * round_up(panel.columns, kLanes);
  const std::size_t end = (panel.offset + (tap + 1) * tap_size) * sizeof(float);
  return packed_.data() + (end < packed_.size() ? end : 0);
}

// Bytes of the next weights to ask for at each row of a strip of these: as many as are read while `positions`
// share these.
std::ptrdiff_t PositionConvolution::ahead_step(int width, int positions, int rows) const {
  const int passes = positions * divide_up(rows, block_.rows);
  return divide_up(std::ptrdiff_t{strip_of(width)} * std::ptrdiff_t{sizeof(float)}, passes);
}

void PositionConvolution::run_position(const PositionWork& work, int p, int rows,
                                       BlockArguments& arguments) const {
  const int strips = arguments.width / strip_of(arguments.width);
  const auto taps = work.taps_of(p);
  arguments.taps = taps.data();
  arguments.tap_count = static_cast<int>(taps.size());
  arguments.output_offset = work.output[p];
  for (int row = 0; row < rows; row += block_.rows) {
    arguments.first_row = row;
    block_.run(arguments, std::min(block_.rows, rows - row));
    arguments.ahead += arguments.ahead_step * arguments.tap_count * arguments.channels * strips;
  }
}

std::int64_t PositionConvolution::run(const PositionWork& work, int rows, const RowPointers& input,
                                      const RowPointers* residual, const float* starts, float slope,
                                      float* const* output) const {
  const int positions = work.positions();
  const std::size_t position_bytes = sizeof(float) * rows * shape_.channels;
  const int chunk = static_cast<int>(std::max<std::size_t>(1, kChunkBytes / position_bytes));
  const int last_tap = shape_.kernel * shape_.kernel - 1;
  std::int64_t multiply_adds = 0;
  for (int first = 0; first < positions; first += chunk) {
    const int last = std::min(positions, first + chunk);
    for (const Panel& panel : panels_) {
      BlockArguments arguments = panel_arguments(panel, input, output);
      arguments.residual = residual;
      arguments.slope = slope;
      arguments.first_column = panel.column;
      arguments.ahead = weights_after(panel, last_tap);
      arguments.ahead_step = ahead_step(arguments.width, last - first, rows);
      for (int p = first; p < last; ++p) {
        const int start = work.start.empty() ? -1 : work.start[p];
        arguments.start =
            (start < 0 ? bias_.data() : starts + std::ptrdiff_t{start} * start_stride_) + panel.column;
        arguments.residual_tap = work.residual.empty() ? nullptr : &work.residual[p];
        run_position(work, p, rows, arguments);
      }
      multiply_adds +=
          std::int64_t{work.first_tap[last] - work.first_tap[first]} * group_channels_ * panel.columns * rows;
    }
  }
  return multiply_adds;
}

std::int64_t PositionConvolution::run_panel(int panel, const PositionWork& work, int shared, int rows,
                                            const RowPointers& input, float* const* output) const {
  static constexpr float kZeros[kPanelColumns] = {};
  const Panel& columns = panels_[panel];
  BlockArguments arguments = panel_arguments(columns, input, output);
  arguments.start = kZeros;
  arguments.ahead_step = ahead_step(arguments.width, shared, rows);
  for (int p = 0; p < work.positions(); ++p) {
    if (p % shared == 0) arguments.ahead = weights_after(columns, work.taps_of(p)[0].weight);
    run_position(work, p, rows, arguments);
  }
  return std::int64_t{work.positions()} * group_channels_ * columns.columns * rows;
}

}  // namespace backdrop::kernels
