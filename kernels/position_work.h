/// \file
/// Lists of positions for the kernels of exact reuse: what to read, where to write, the same for every
/// background.
///
/// A value (one activation of the network) lives in up to three places, by what its positions depend on:
///   mixed       computed for each background, [position][row][channel];
///   background  the background's own cached features, [position][channel], one block a background;
///   foreground  the foreground's own features, [position][channel], one row for all backgrounds.
/// A "row" is one background of the batch in hand. A position's channels in row r are at rows[source][r] +
/// offset: offsets come from the mask and are built once a foreground, the row pointers change with each
/// batch.
#pragma once

#include <cstdint>
#include <span>

namespace backdrop::kernels {

enum class Source : std::int16_t { mixed, background, foreground };
inline constexpr int kSources = 3;

/// The most rows that one call takes.
inline constexpr int kMaxRows = 16;

/// One input position of a window: where its channels are, and which weight of the window applies to it.
struct Tap {
  std::int32_t offset = 0;  ///< elements from the row pointer
  std::int16_t weight = 0;  ///< ky * kernel + kx
  Source source = Source::mixed;
};

/// Row pointers of one value, whose elements are floats unless a kernel says otherwise. Foreground rows are
/// all the same pointer.
struct RowPointers {
  const void* rows[kSources][kMaxRows] = {};

  // Always inlined: a copy compiled for one instruction set must not be linked into code for another.
  template <class Element = float>
  [[gnu::always_inline]] const Element* at(const Tap& tap, int row) const {
    return static_cast<const Element*>(rows[static_cast<int>(tap.source)][row]) + tap.offset;
  }
};

/// The output positions of one layer, in any order.
struct PositionWork {
  std::span<const std::int32_t> output;  ///< [P] elements from the output's row pointer
  /// [P + 1] the taps of position p are first_tap[p] .. first_tap[p + 1]
  std::span<const std::int32_t> first_tap;
  std::span<const Tap> taps;
  /// [P] row of the start sums, -1: the bias; empty: all start at the bias
  std::span<const std::int32_t> start;
  std::span<const Tap> residual;  ///< [P] position added before the activation; empty: none

  int positions() const { return static_cast<int>(output.size()); }
  std::span<const Tap> taps_of(int p) const {
    return taps.subspan(first_tap[p], first_tap[p + 1] - first_tap[p]);
  }
};

}  // namespace backdrop::kernels
