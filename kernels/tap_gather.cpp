#include "kernels/tap_gather.h"

#include <algorithm>
#include <cstring>

#include "core/rounding.h"

namespace backdrop::kernels {
namespace {

constexpr std::ptrdiff_t kWindowBytes = std::ptrdiff_t{16} << 10;  // that stay in L1 beside weights and sums

std::ptrdiff_t tap_bytes(Precision precision, const ConvolutionShape& shape) {
  return static_cast<std::ptrdiff_t>(element_bytes(precision)) * shape.channels;
}

// `count` bytes, Size to twice as many: by two copies of a known size that may overlap.
template <std::ptrdiff_t Size>
void copy_ends(std::byte* to, const std::byte* from, std::ptrdiff_t count) {
  std::byte first[Size], last[Size];
  std::memcpy(first, from, Size);
  std::memcpy(last, from + count - Size, Size);
  std::memcpy(to, first, Size);
  std::memcpy(to + count - Size, last, Size);
}

}  // namespace

bool gathers_taps(Precision precision, const ConvolutionShape& shape) {
  return shape.groups == 1 && shape.kernel > 1 && tap_bytes(precision, shape) <= kLineBytes / 4 &&
         has_tile_block(precision, gathered_channels(precision, shape));
}

int gathered_channels(Precision precision, const ConvolutionShape& shape) {
  const std::ptrdiff_t bytes = tap_bytes(precision, shape) * shape.kernel * shape.kernel;
  return static_cast<int>(round_up(bytes, kLineBytes) /
                          static_cast<std::ptrdiff_t>(element_bytes(precision)));
}

TapGather::TapGather(Precision precision, const ConvolutionShape& shape, int terms, int rows,
                     const RowPointers& input, const std::int32_t* corrections, int start_stride)
    : channels_(shape.channels),
      element_(static_cast<std::ptrdiff_t>(element_bytes(precision))),
      row_bytes_(gathered_channels(precision, shape) * element_),
      window_taps_(std::size_t(shape.kernel) * shape.kernel),
      terms_(static_cast<std::size_t>(terms)),
      rows_(rows),
      input_(input),
      corrections_(corrections),
      start_stride_(start_stride),
      most_(static_cast<int>(std::max<std::ptrdiff_t>(2, kWindowBytes / (row_bytes_ * rows)))),
      windows_(static_cast<std::size_t>(row_bytes_ * rows * most_)) {
  std::fill_n(windows_.data(), windows_.size(), std::byte{0});
  for (int r = 0; r < rows; ++r)
    values_.rows[static_cast<int>(Source::mixed)][r] = windows_.data() + r * row_bytes_;
  for (int p = 0; p < most_; ++p)
    for (int term = 0; term < terms; ++term)
      taps_.push_back({static_cast<std::int32_t>(p * rows * row_bytes_ / element_),
                       static_cast<std::int16_t>(term), Source::mixed});
  if (corrections != nullptr) starts_.resize(std::size_t(most_) * start_stride);
}

void TapGather::gather(std::span<DotPosition> positions) {
  for (std::size_t p = 0; p < positions.size(); ++p) {
    DotPosition& position = positions[p];
    gather_taps(position.taps, windows_.data() + static_cast<std::ptrdiff_t>(p) * rows_ * row_bytes_);
    if (corrections_ != nullptr)
      position.start = corrected_start(position, &starts_[p * static_cast<std::size_t>(start_stride_)]);
    position.taps = {&taps_[p * terms_], terms_};
  }
}

void TapGather::gather_taps(std::span<const Tap> taps, std::byte* window) {
  if (taps.size() < window_taps_) std::memset(window, 0, static_cast<std::size_t>(rows_ * row_bytes_));
  const std::ptrdiff_t tap_size = channels_ * element_;
  // Neighbours in the photo are neighbours in the window.
  const auto follows = [&](const Tap& a, const Tap& b) {
    return b.source == a.source && b.offset == a.offset + channels_ && b.weight == a.weight + 1;
  };
  for (std::size_t first = 0, end = 0; first < taps.size(); first = end) {
    for (++end; end < taps.size() && follows(taps[end - 1], taps[end]);) ++end;
    const Tap& tap = taps[first];
    const auto* rows = input_.rows[static_cast<int>(tap.source)];
    const std::ptrdiff_t from = tap.offset * element_;
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(end - first) * tap_size;
    std::byte* const to = window + tap.weight * tap_size;
    const auto copy_rows = [&](const auto& copy) {
      for (int r = 0; r < rows_; ++r)
        copy(to + r * row_bytes_, static_cast<const std::byte*>(rows[r]) + from);
    };
    if (size > kLineBytes)
      copy_rows(
          [size](std::byte* a, const std::byte* b) { std::memcpy(a, b, static_cast<std::size_t>(size)); });
    else if (size >= 32)
      copy_rows([size](std::byte* a, const std::byte* b) { copy_ends<32>(a, b, size); });
    else if (size >= 16)
      copy_rows([size](std::byte* a, const std::byte* b) { copy_ends<16>(a, b, size); });
    else if (size >= 8)
      copy_rows([size](std::byte* a, const std::byte* b) { copy_ends<8>(a, b, size); });
    else
      copy_rows([size](std::byte* a, const std::byte* b) { copy_ends<4>(a, b, size); });
  }
}

const std::int32_t* TapGather::corrected_start(const DotPosition& position, std::int32_t* to) const {
  if (position.start != nullptr)
    std::copy_n(static_cast<const std::int32_t*>(position.start), start_stride_, to);
  else
    std::fill_n(to, start_stride_, 0);
  const std::span<const Tap> taps = position.taps;
  for (std::size_t first = 0, end = 0; first < taps.size(); first = end) {
    for (++end; end < taps.size() && taps[end].weight == taps[end - 1].weight + 1;) ++end;
    const std::int32_t* const before = corrections_ + std::ptrdiff_t{taps[first].weight} * start_stride_;
    const std::int32_t* const after = before + static_cast<std::ptrdiff_t>(end - first) * start_stride_;
    for (int k = 0; k < start_stride_; ++k) to[k] += after[k] - before[k];
  }
  return to;
}

}  // namespace backdrop::kernels
