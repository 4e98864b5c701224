/// \file
/// What Winograd's convolutions have in common: the filters' transform, where a tile's values are, and the
/// list of a chunk's products.
#pragma once

#include <array>
#include <cstdint>
#include <span>
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

/// The rows of a chunk: tile by tile, each on all backgrounds. `At` gives the place of a value's channels
/// from a tap and a background.
struct ChunkRow {
  std::int64_t number;
  int rows;  ///< backgrounds

  std::size_t tile() const { return static_cast<std::size_t>(number / rows); }
  int background() const { return static_cast<int>(number % rows); }
};

/// The inputs of a row; null outside the image.
template <class At>
std::array<const void*, kTilePoints> tile_inputs(std::span<const Tap> taps, const ChunkRow& row,
                                                 const At& at) {
  const Tap* tile = &taps[row.tile() * kTilePoints];
  std::array<const void*, kTilePoints> pointers;
  for (int i = 0; i < kTilePoints; ++i)
    pointers[i] = tile[i].weight == kOutside ? nullptr : at(tile[i], row.background());
  return pointers;
}

/// What is added to the outputs of a row of the chunk that starts at tile `first`; null for those not wanted.
template <class At>
std::array<const void*, kTile * kTile> tile_residuals(const TileWork& work, int first, const ChunkRow& row,
                                                      const At& at) {
  const std::size_t place = (first + row.tile()) * kTile * kTile;
  std::array<const void*, kTile * kTile> pointers;
  for (int i = 0; i < kTile * kTile; ++i)
    pointers[i] = work.outputs[place + i] < 0 ? nullptr : at(work.residual[place + i], row.background());
  return pointers;
}

/// Calls body(i, located, next) for each i below `count`, where `next` is what is located for i + 1, so that
/// it can be asked for ahead; the last one's is its own.
template <class Locate, class Body>
void for_each_with_next(std::int64_t count, const Locate& locate, const Body& body) {
  auto located = locate(0);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto next = i + 1 < count ? locate(i + 1) : located;
    body(i, located, next);
    located = next;
  }
}

/// The list of one chunk's products. Every point is a matrix of `flat` rows (tiles by backgrounds); blocks of
/// `rows` of them, or the remainder after those, are the rows of a position with one tap and no bias.
struct ProductList {
  std::vector<std::int32_t> output, first_tap{0};
  std::vector<Tap> taps;

  /// The products have `columns` columns.
  ProductList(std::int64_t flat, int rows, bool remainder, int input_channels, int columns) {
    const std::int64_t whole = flat / rows;
    for (int point = 0; point < kTilePoints; ++point) {
      for (std::int64_t block = remainder ? whole : 0; block < (remainder ? whole + 1 : whole); ++block) {
        const auto offset = [&](int channels) {
          return static_cast<std::int32_t>(point * point_stride(flat, channels) + block * rows * channels);
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
  int rows;  ///< of a block
  ProductList blocks, remainder;

  ProductLists(std::int64_t flat_rows, int block_rows, int input_channels, int columns)
      : flat(flat_rows),
        rows(block_rows),
        blocks(flat, rows, false, input_channels, columns),
        remainder(flat, rows, true, input_channels, columns) {}
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
  const auto blocks = static_cast<int>(lists.flat / lists.rows);
  const auto left = static_cast<int>(lists.flat % lists.rows);
  if (blocks > 0)
    multiply_adds += convolution.run_panel(panel, lists.blocks.work(), blocks, lists.rows, input, output);
  if (left > 0) multiply_adds += convolution.run_panel(panel, lists.remainder.work(), 1, left, input, output);
  return multiply_adds;
}

}  // namespace backdrop::kernels
