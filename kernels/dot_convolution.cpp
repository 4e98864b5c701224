// Packing and the loop order, as in position_convolution.cpp.
#include "kernels/dot_convolution.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "core/rounding.h"

namespace backdrop::kernels {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{128} << 10;
// Weights that are still in L2 when the next chunk of positions wants them.
constexpr std::size_t kKeptWeights = std::size_t{1} << 20;

}  // namespace

DotConvolution::DotConvolution(Precision precision, const ConvolutionShape& shape, bool gathers, int terms,
                               bool portable)
    : precision_(precision),
      shape_(shape),
      group_channels_(shape.channels / shape.groups),
      gathers_(gathers),
      terms_(terms),
      packed_taps_((gathers ? 1 : shape.kernel * shape.kernel) * terms),
      packed_channels_(gathers ? gathered_channels(precision, shape) : group_channels_),
      block_(dot_block(precision, packed_channels_, portable)),
      start_stride_(round_up(shape.out_channels, kDotLanes)) {
  plan_panels();
}

DotConvolution::DotConvolution(Precision precision, const ConvolutionShape& shape, const float* weights,
                               const float* bias, DotScales scales, bool portable)
    : DotConvolution(precision, shape, !portable && gathers_taps(precision, shape), scales.terms, portable) {
  scales_ = std::move(scales);
  if (scales_.read.value_or(precision) != precision) store_bytes_ = store_bytes(portable);
  scale_.assign(start_stride_ + kDotPanelColumns, 0.0f);
  bias_ = scale_;
  std::copy_n(bias, shape.out_channels, bias_.begin());
  if (precision == Precision::int8) {
    pack_int8(weights, scales_.input);
  } else if (precision == Precision::int16) {
    const Int16Weights stored = store_int16(shape, weights, scales_.input[0].scale, scales_.nonnegative);
    std::copy(stored.scale.begin(), stored.scale.end(), scale_.begin());
    pack_int16(stored.values);
  } else {
    pack_bf16(weights);
  }
}

DotConvolution::DotConvolution(const ConvolutionShape& shape, const Int16Weights& weights, bool portable)
    : DotConvolution(Precision::int16, shape, false, 1, portable) {
  pack_int16(weights.values);
}

DotConvolution::DotConvolution(const ConvolutionShape& shape, const float* weights, bool portable)
    : DotConvolution(Precision::bf16, shape, false, 1, portable) {
  pack_bf16(weights);
}

void DotConvolution::plan_panels() {
  const int group_columns = shape_.out_channels / shape_.groups;
  const std::size_t column_bytes = element_bytes(precision_) * packed_channels_ * packed_taps_;
  panel_columns_ = block_.columns * static_cast<int>(std::max<std::size_t>(
                                        1, block_.panel_bytes / (column_bytes * block_.columns)));
  std::size_t columns = 0;
  for (int group = 0; group < shape_.groups; ++group) {
    for (int k = 0; k < group_columns; k += panel_columns_) {
      const int valid = std::min(panel_columns_, group_columns - k);
      const int width = round_up(valid, kDotLanes);
      panels_.push_back({group * group_columns + k, valid, width, group * group_channels_,
                         columns * column_bytes, columns * packed_taps_});
      columns += width;
    }
  }
  packed_ = AlignedBuffer(columns * column_bytes);
  std::fill_n(packed_.data(), packed_.size(), std::byte{0});
  corrections_.assign(columns * shape_.kernel * shape_.kernel, 0);
}

std::size_t DotConvolution::group_offset(const Panel& panel, int tap, int term, int group, int column) const {
  const int strip = std::min(panel.width, block_.strip);
  const int groups = packed_channels_ / dot_granule(precision_);
  if (gathers_) {
    group += tap * (group_channels_ / dot_granule(precision_));
    tap = 0;
  }
  const std::size_t strips = std::size_t(tap * terms_ + term) * (panel.width / strip) + column / strip;
  return panel.offset + ((strips * groups + group) * strip + column % strip) * kGroupBytes;
}

void DotConvolution::pack_int8(const float* weights, const std::vector<ValueScale>& input) {
  const int taps = shape_.kernel * shape_.kernel;
  const Int8Weights stored = store_int8(shape_, weights, input);
  for (const Panel& panel : panels_) {
    for (int k = 0; k < panel.columns; ++k) {
      const int column = panel.column + k;
      scale_[column] = stored.scale[column];
      for (int tap = 0; tap < taps; ++tap) {
        const std::int8_t* from =
            &stored.values[(std::size_t(column) * taps + tap) * std::size_t(group_channels_)];
        for (int c = 0; c < group_channels_; ++c) {
          std::memcpy(packed_.data() + group_offset(panel, tap, 0, c / 4, k) + c % 4, &from[c], 1);
        }
        const std::size_t place = gathers_ ? std::size_t(tap) * start_stride_ + column
                                           : panel.correction + std::size_t(tap) * panel.width + k;
        corrections_[place] = stored.corrections[std::size_t(tap) * shape_.out_channels + column];
      }
    }
  }
  if (std::all_of(corrections_.begin(), corrections_.end(), [](std::int32_t c) { return c == 0; }))
    corrections_.clear();
  else if (gathers_)
    sum_corrections();
}

// Of each tap, all before it.
void DotConvolution::sum_corrections() {
  std::vector<std::int32_t> sums(corrections_.size() + start_stride_, 0);
  for (std::size_t i = 0; i < corrections_.size(); ++i) sums[i + start_stride_] = sums[i] + corrections_[i];
  corrections_ = std::move(sums);
}

// Two channels are a group. `stored` gives the form of a weight from its place. Whole lines are written, from
// as many filters as stay in cache meanwhile.
template <class Stored>
void DotConvolution::pack_pairs(int term, const Stored& stored) {
  const int taps = shape_.kernel * shape_.kernel;
  for (const Panel& panel : panels_) {
    for (int first = 0; first < panel.columns; first += kDotLanes) {
      const int last = std::min(panel.columns, first + kDotLanes);
      for (int c = 0; c < group_channels_; c += 2)
        for (int tap = 0; tap < taps; ++tap)
          for (int k = first; k < last; ++k) {
            const std::size_t filter = (std::size_t(panel.column + k) * group_channels_ + c) * taps + tap;
            const std::array pair{stored(filter), stored(filter + static_cast<std::size_t>(taps))};
            std::memcpy(packed_.data() + group_offset(panel, tap, term, c / 2, k), pair.data(), sizeof pair);
          }
    }
  }
  corrections_.clear();
}

void DotConvolution::pack_bf16(const float* weights) {
  pack_pairs(0, [weights](std::size_t place) { return to_bf16(weights[place]); });
  if (terms_ == 1) return;
  pack_pairs(1, [weights](std::size_t place) {
    return to_bf16(weights[place] - to_float(to_bf16(weights[place])));
  });
}

void DotConvolution::pack_int16(const std::vector<std::int16_t>& weights) {
  pack_pairs(0, [&weights](std::size_t place) { return weights[place]; });
}

DotArguments DotConvolution::panel_arguments(const Panel& panel, DotArguments common) const {
  common.groups = packed_channels_ / dot_granule(precision_);
  common.first_channel = panel.channel;
  common.panel = packed_.data() + panel.offset;
  common.width = panel.width;
  common.columns = panel.columns;
  common.corrections = corrections_.empty() || gathers_ ? nullptr : &corrections_[panel.correction];
  return common;
}

const std::byte* DotConvolution::weights_after(const Panel& panel, int tap) const {
  const std::size_t end = panel.offset + (tap + 1) * tap_bytes(panel);
  return packed_.data() + (end < packed_.size() ? end : 0);
}

// Bytes of the next weights to ask for at each tap of these, in whole lines: as many as are read while
// `positions` share these.
std::ptrdiff_t DotConvolution::ahead_step(std::ptrdiff_t tap_bytes, int positions, int rows) const {
  const int passes = positions * divide_up(rows, block_.rows);
  return round_up(divide_up(tap_bytes, passes), kLineBytes);
}

void DotConvolution::run_chunk(const DotArguments& common, std::span<const DotPosition> positions, int rows,
                               bool ask_ahead) const {
  for (const Panel& panel : panels_) {
    DotArguments arguments = panel_arguments(panel, common);
    arguments.first_column = panel.column;
    arguments.scale = &scale_[panel.column];
    arguments.bias = &bias_[panel.column];
    arguments.ahead = weights_after(panel, packed_taps_ - 1);
    if (ask_ahead || packed_.size() > kKeptWeights)
      arguments.ahead_step = ahead_step(tap_bytes(panel), static_cast<int>(positions.size()), rows);
    block_.run(arguments, positions, rows);
  }
}

void DotConvolution::repeat_taps(std::span<DotPosition> positions, std::vector<Tap>& repeated) const {
  repeated.clear();
  for (const DotPosition& position : positions)
    for (const Tap& tap : position.taps)
      for (int term = 0; term < terms_; ++term)
        repeated.push_back({tap.offset, static_cast<std::int16_t>(tap.weight * terms_ + term), tap.source});
  const Tap* next = repeated.data();
  for (DotPosition& position : positions) {
    position.taps = {next, position.taps.size() * static_cast<std::size_t>(terms_)};
    next += position.taps.size();
  }
}

std::int64_t DotConvolution::run(const PositionWork& work, int rows, const RowPointers& input,
                                 const RowPointers* residual, const void* starts, DotOutput kind,
                                 void* const* output) const {
  const int positions = work.positions();
  const std::size_t position_bytes = element_bytes(precision_) * rows * shape_.channels;
  int chunk = static_cast<int>(std::max<std::size_t>(1, kChunkBytes / position_bytes));
  std::optional<TapGather> gather;
  std::optional<ByteInputs> bytes;
  if (store_bytes_ != nullptr) {
    bytes.emplace(store_bytes_, shape_, scales_.input[0], rows, input);
    chunk = bytes->most();
  } else if (gathers_) {
    gather.emplace(precision_, shape_, terms_, rows, input,
                   corrections_.empty() ? nullptr : corrections_.data(), start_stride_);
    chunk = gather->most();
  }
  DotArguments common;
  common.input = gather ? &gather->values() : bytes ? &bytes->values() : &input;
  common.residual = residual;
  common.written = scales_.written.value_or(precision_);
  common.residual_scale = scales_.residual;
  common.output_scale = scales_.output;
  common.slope = shape_.slope;
  common.kind = kind;
  common.output = output;
  std::vector<DotPosition> chosen;
  std::vector<Tap> repeated;
  for (int first = 0; first < positions; first += chunk) {
    const int last = std::min(positions, first + chunk);
    chosen.clear();
    for (int p = first; p < last; ++p) {
      const int start = work.start.empty() ? -1 : work.start[p];
      chosen.push_back(
          {work.taps_of(p),
           start < 0 ? nullptr : static_cast<const float*>(starts) + std::ptrdiff_t{start} * start_stride_,
           work.residual.empty() ? nullptr : &work.residual[p], work.output[p]});
    }
    if (gather)
      gather->gather(chosen);
    else if (bytes)
      bytes->store(chosen);
    else if (terms_ > 1)
      repeat_taps(chosen, repeated);
    run_chunk(common, chosen, rows, first == 0);
  }
  return std::int64_t{work.first_tap[positions] - work.first_tap[0]} * group_channels_ * rows *
         shape_.out_channels;
}

std::int64_t DotConvolution::run_panel(int panel, const PositionWork& work, int shared, int rows,
                                       const RowPointers& input, void* const* output) const {
  const Panel& columns = panels_[panel];
  DotArguments common;
  common.input = &input;
  common.kind = DotOutput::sums;
  common.output = output;
  DotArguments arguments = panel_arguments(columns, common);
  arguments.ahead_step = ahead_step(tap_bytes(columns), shared, rows);
  std::vector<DotPosition> chosen;
  for (int p = 0; p < work.positions(); p += shared) {
    arguments.ahead = weights_after(columns, work.taps_of(p)[0].weight);
    chosen.clear();
    for (int q = p; q < p + shared; ++q)
      chosen.push_back({work.taps_of(q), nullptr, nullptr, work.output[q]});
    block_.run(arguments, chosen, rows);
  }
  return std::int64_t{work.positions()} * group_channels_ * columns.columns * rows;
}

}  // namespace backdrop::kernels
