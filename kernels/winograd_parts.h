/// \file
/// What Winograd's convolutions have in common: the filters' transform and the list of a chunk's products.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/winograd.h"

namespace backdrop::kernels {

/// G g G' of every filter: [K][C][6][6], the layout of a convolution with a 6 x 6 window.
std::vector<float> transform_filters(const ConvolutionShape& shape, const float* weights);

/// The convolution that the products are: its window is the points.
inline ConvolutionShape product_shape(ConvolutionShape shape) {
  shape.kernel = kTileInputs;
  shape.padding = 0;
  return shape;
}

/// Elements from one point's matrix of `flat` rows to the next. A tile's 36 points are read and written
/// together: the gap keeps them out of each other's cache sets.
inline std::int64_t point_stride(std::int64_t flat, int channels) {
  constexpr int kGap = 32;
  return flat * channels + kGap;
}

/// The list of one chunk's products. Every point is a matrix of `flat` rows (tiles by backgrounds); whole
/// blocks of kMaxRows of them, or the remainder after those, are the rows of a position with one tap and no
/// bias.
struct ProductList {
  std::vector<std::int32_t> output, first_tap{0};
  std::vector<Tap> taps;

  /// The products have `columns` columns.
  ProductList(std::int64_t flat, bool remainder, int input_channels, int columns) {
    const std::int64_t whole = flat / kMaxRows;
    for (int point = 0; point < kTilePoints; ++point) {
      for (std::int64_t block = remainder ? whole : 0; block < (remainder ? whole + 1 : whole); ++block) {
        const auto offset = [&](int channels) {
          return static_cast<std::int32_t>(point * point_stride(flat, channels) +
                                           block * kMaxRows * channels);
        };
        output.push_back(offset(columns));
        taps.push_back({offset(input_channels), static_cast<std::int16_t>(point), Source::mixed});
        first_tap.push_back(static_cast<std::int32_t>(taps.size()));
      }
    }
  }
  PositionWork work() const { return {output, first_tap, taps, {}, {}}; }
};

/// All of a chunk's products with one panel of columns.
struct ProductLists {
  std::int64_t flat;
  ProductList blocks, remainder;

  ProductLists(std::int64_t rows, int input_channels, int columns)
      : flat(rows),
        blocks(rows, false, input_channels, columns),
        remainder(rows, true, input_channels, columns) {}
};

/// Multiplies a chunk's transformed inputs, in `channels` channels, by one panel of a product convolution's
/// weights: `columns` columns a row of `products`. `Output` is the convolution's pointer to a row.
template <class Output, class Convolution, class Transformed>
std::int64_t multiply_panel(const Convolution& convolution, int panel, const ProductLists& lists,
                            const Transformed* transformed, int channels, float* products, int columns) {
  RowPointers input;
  Output output[kMaxRows];
  for (int r = 0; r < kMaxRows; ++r) {
    input.rows[static_cast<int>(Source::mixed)][r] = transformed + r * channels;
    output[r] = products + r * columns;
  }
  std::int64_t multiply_adds = 0;
  const auto blocks = static_cast<int>(lists.flat / kMaxRows);
  const auto left = static_cast<int>(lists.flat % kMaxRows);
  if (blocks > 0)
    multiply_adds += convolution.run_panel(panel, lists.blocks.work(), blocks, kMaxRows, input, output);
  if (left > 0) multiply_adds += convolution.run_panel(panel, lists.remainder.work(), 1, left, input, output);
  return multiply_adds;
}

}  // namespace backdrop::kernels
