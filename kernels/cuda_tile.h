/// \file
/// The GPU's position convolution, apart from the instructions that only a GPU has: plain functions of the
/// thread's number, so that tests on the CPU run them all. Here: what a block computes; cuda_stage.h lays out
/// shared memory, cuda_tile_loader.h copies, cuda_tile_math.h multiplies, cuda_tile_end.h writes.
///
/// The product is a GEMM. Row m is background m % rows of position m / rows; column n an output channel; the
/// inner dimension runs over the taps that the tile's positions use, and each tap's channels, in chunks of 16
/// bytes. A block of 256 threads computes 128 rows by 64 or 128 columns. Each step copies some chunks of
/// every row and column to shared memory, a stage, whose layout is Rows64' or Rows128'.
///
/// Weights are [column][tap of the window][channel of the group], bias fp32.
#pragma once

#include <cstdint>

#include "kernels/cuda_stage.h"
#include "kernels/cuda_work.h"

namespace backdrop::kernels::tile {

inline constexpr int kThreads = 256;
inline constexpr int kMaxWindow = 128;  ///< AlexNet's 11 x 11 fits
inline constexpr int kMaskWords = kMaxWindow / 32;
inline constexpr int kPieceColumns = 8;  ///< columns that a thread finishes at once

/// What a block computes.
struct Place {
  int first_row = 0;
  int column_tile = 0;  ///< of those of all groups
  int group = 0;
  int column = 0;
  int column_end = 0;  ///< of the group
};

BACKDROP_HOST_DEVICE Place place_of_block(const ConvolutionArguments& a, int block, int columns) {
  const int tiles = a.groups * a.group_tiles;
  const int column_tile = block % tiles;
  const int group = column_tile / a.group_tiles;
  return {block / tiles * kRows, column_tile, group,
          group * a.group_columns + column_tile % a.group_tiles * columns, (group + 1) * a.group_columns};
}

/// A cluster's blocks compute the same columns of neighbouring tiles of rows; the last one's may be none.
template <class Tile>
BACKDROP_HOST_DEVICE Place place_in_cluster(const ConvolutionArguments& a, int block) {
  Place place = place_of_block(a, block / Tile::kBlocks, Tile::kColumns);
  place.first_row = place.first_row * Tile::kRowTiles * Tile::kBlocks + block % Tile::kBlocks * Tile::kRows;
  return place;
}

/// The taps of all positions of some rows: they are neighbours in the list.
struct TapRange {
  int first = 0;
  int last = 0;  ///< one past
};

BACKDROP_HOST_DEVICE TapRange taps_of_rows(const ConvolutionArguments& a, int first_row, int rows) {
  const int last_row = first_row + rows - 1;
  const int last = last_row / a.rows < a.work.positions - 1 ? last_row / a.rows : a.work.positions - 1;
  return {a.work.first_tap[first_row / a.rows], a.work.first_tap[last + 1]};
}

BACKDROP_HOST_DEVICE int count_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __popc(bits);
#else
  return __builtin_popcount(bits);
#endif
}

BACKDROP_HOST_DEVICE bool uses(const std::uint32_t* bits, int weight) {
  return (bits[weight / 32] >> (weight % 32) & 1u) != 0;
}

/// How many taps below `weight` are used; with kMaxWindow: how many at all.
BACKDROP_HOST_DEVICE int rank_of(const std::uint32_t* bits, int weight) {
  int rank = 0;
  for (int word = 0; word < kMaskWords; ++word) {
    const int below = weight - 32 * word;
    if (below >= 32) rank += count_bits(bits[word]);
    if (below > 0 && below < 32) rank += count_bits(bits[word] & ((1u << below) - 1u));
  }
  return rank;
}

}  // namespace backdrop::kernels::tile
