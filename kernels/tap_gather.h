/// \file
/// The windows of a convolution with few input channels, laid out as rows of whole lines: [position][row]
/// [tap][channel], zeros where a position has no such tap. Over them the convolution is one of a single tap
/// with many channels, which tile registers take and which leaves nothing to do for each tap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "kernels/dot_block.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

/// Whether this processor is faster so: taps are a fraction of a line, and windows fill tile registers.
bool gathers_taps(Precision precision, const ConvolutionShape& shape);

/// Channels of the single tap: those of the window's, and zeros up to whole lines.
int gathered_channels(Precision precision, const ConvolutionShape& shape);

/// Gathers some positions at a time for one run of a convolution.
class TapGather {
 public:
  /// `corrections`, [taps + 1][start_stride]: those of DotArguments, of each tap the sum of all before it;
  /// null: none.
  /// The single tap comes once for each of the weights' `terms`.
  TapGather(Precision precision, const ConvolutionShape& shape, int terms, int rows, const RowPointers& input,
            const std::int32_t* corrections, int start_stride);

  /// How many positions are gathered together.
  int most() const { return most_; }
  /// Replaces taps and start sums, with all corrections in them; until the next call.
  void gather(std::span<DotPosition> positions);
  const RowPointers& values() const { return values_; }

 private:
  void gather_taps(std::span<const Tap> taps, std::byte* window);
  const std::int32_t* corrected_start(const DotPosition& position, std::int32_t* to) const;

  int channels_;
  std::ptrdiff_t element_;
  std::ptrdiff_t row_bytes_;
  std::size_t window_taps_;
  std::size_t terms_;
  int rows_;
  const RowPointers& input_;
  const std::int32_t* corrections_;
  int start_stride_;
  int most_;
  AlignedBuffer windows_;
  RowPointers values_;
  std::vector<Tap> taps_;
  std::vector<std::int32_t> starts_;
};

}  // namespace backdrop::kernels
