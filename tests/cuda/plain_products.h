/// \file
/// The position convolution's sums without the tiles' stages and fragments, which tile_test.cpp and tests/ptx
/// look at: fast enough for whole networks. It ends as the kernel does.
#pragma once

#include <algorithm>
#include <vector>

#include "tests/cuda/emulated_tile.h"

namespace backdrop::test {

template <class Operands>
class PlainProducts {
 public:
  explicit PlainProducts(const kernels::ConvolutionArguments& arguments) : a_(arguments) {
    a_.group_tiles = (a_.group_columns + kColumns - 1) / kColumns;
    const std::size_t columns = std::size_t(a_.groups) * a_.group_columns;
    const auto* stored = static_cast<const Element*>(a_.weights);
    weights_.resize(columns * a_.window * a_.group_channels);
    const bool clusters = a_.products == kernels::Products::clusters;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      weights_[i] = Operands::right(stored[clusters ? packed_place(i) : i]);
  }

  void run() {
    const int tiles = (a_.work.positions * a_.rows + tile::kRows - 1) / tile::kRows;
    std::vector<Sum> result(std::size_t(tile::kRows) * tile::result_pitch(kColumns));
    for (int block = 0; block < tiles * a_.groups * a_.group_tiles; ++block) {
      const tile::Place place = tile::place_of_block(a_, block, kColumns);
      const int rows = std::min(tile::kRows, a_.work.positions * a_.rows - place.first_row);
      for (int m = 0; m < rows; ++m) sum_row(place, m, result.data());
      for (int thread = 0; thread < tile::kThreads; ++thread)
        Operands::template finish<kColumns>(a_, place, result.data(), thread);
    }
  }

 private:
  using Element = typename Operands::Element;
  using Sum = typename Operands::Sum;
  static constexpr int kColumns = 64;

  // Where weight i of [group][column][tap][channel] is in weights for clusters.
  std::size_t packed_place(std::size_t i) const {
    using Rows = tile::Rows128;
    const int columns = tile::cluster_columns(a_.group_columns);
    const std::size_t column = i / (std::size_t(a_.window) * a_.group_channels);
    const std::size_t byte =
        i * sizeof(Element) % (std::size_t(a_.window) * a_.group_channels * sizeof(Element));
    const int of_group = static_cast<int>(column % a_.group_columns);
    const std::size_t tiles = (a_.group_columns + columns - 1) / columns;
    const std::size_t place = column / a_.group_columns * tiles + of_group / columns;
    const std::size_t stages = std::size_t(a_.window) * a_.group_channels * sizeof(Element) / Rows::kPitch;
    const int chunk = static_cast<int>(byte % Rows::kPitch / tile::kChunkBytes);
    return ((place * stages + byte / Rows::kPitch) * columns * Rows::kPitch +
            Rows::offset(of_group % columns, chunk) + byte % tile::kChunkBytes) /
           sizeof(Element);
  }

  void sum_row(const tile::Place& place, int m, Sum* result) {
    const int position = (place.first_row + m) / a_.rows;
    const int row = (place.first_row + m) % a_.rows;
    const int columns = std::min(kColumns, place.column_end - place.column);
    std::vector<Sum> sums(columns);
    channels_.resize(a_.group_channels);
    for (int t = a_.work.first_tap[position]; t < a_.work.first_tap[position + 1]; ++t) {
      const kernels::Tap& tap = a_.work.taps[t];
      const Element* input =
          kernels::row_address<Element>(a_.input, tap, row) + place.group * a_.group_channels;
      for (int c = 0; c < a_.group_channels; ++c) channels_[c] = Operands::left(input[c]);
      for (int n = 0; n < columns; ++n) {
        const Sum* weights =
            weights_.data() + (std::size_t(place.column + n) * a_.window + tap.weight) * a_.group_channels;
        Sum sum{};
        for (int c = 0; c < a_.group_channels; ++c) sum += channels_[c] * weights[c];
        sums[n] += sum;
      }
    }
    for (int n = 0; n < columns; ++n) result[tile::result_place(kColumns, m, n)] = sums[n];
  }

  kernels::ConvolutionArguments a_;
  std::vector<Sum> weights_;
  std::vector<Sum> channels_;
};

}  // namespace backdrop::test
