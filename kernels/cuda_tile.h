/// \file
/// The GPU's position convolution, apart from the instructions that only a GPU has: plain functions of the
/// thread's number, so that tests on the CPU run them all. Here: what a block computes, and how shared memory
/// is laid out; cuda_tile_loader.h copies, cuda_tile_math.h multiplies, cuda_tile_end.h writes.
///
/// The product is a GEMM. Row m is background m % rows of position m / rows; column n an output channel; the
/// inner dimension runs over the taps that the tile's positions use, and each tap's channels, in chunks of 16
/// bytes. A block of 256 threads computes 128 rows by 64 or 128 columns. Each step copies some chunks of
/// every row and column to shared memory, a stage, whose layout is Rows64' or Rows128'.
///
/// Weights are [column][tap of the window][channel of the group], bias fp32.
#pragma once

#include <cstdint>

#include "kernels/cuda_work.h"

namespace backdrop::kernels::tile {

inline constexpr int kThreads = 256;
inline constexpr int kRows = 128;
inline constexpr int kChunkBytes = 16;
inline constexpr int kMaxWindow = 128;  ///< AlexNet's 11 x 11 fits
inline constexpr int kMaskWords = kMaxWindow / 32;
inline constexpr int kPieceColumns = 8;  ///< columns that a thread finishes at once

/// A stage as rows, and columns behind them, of some chunks each. The chunks of a row change places by its
/// number, so that those which eight threads copy, and one chunk of eight rows, are on different banks.
template <int kRowChunks>
struct SwizzledRows {
  static constexpr int kRows = tile::kRows;
  static constexpr int kTerms = 1;  ///< of a weight
  static constexpr int kChunks = kRowChunks;
  static constexpr int kPitch = kChunks * kChunkBytes;

  BACKDROP_HOST_DEVICE static int offset(int row, int chunk) {
    return row * kPitch + (chunk ^ row * kChunks / 8 % kChunks) * kChunkBytes;
  }
  /// Of row `first + row`, where `first` is a multiple of eight.
  BACKDROP_HOST_DEVICE static int offset(int first, int row, int chunk) {
    return first * kPitch + offset(row, chunk);
  }
};

/// Stages for mma.sync and plain products.
struct Rows64 : SwizzledRows<4> {
  static constexpr int kStages = 4;
  static constexpr int kAlignment = kChunkBytes;  ///< of a stage
};

/// As wgmma reads them with "128-byte swizzling" (PTX ISA, "Asynchronous Warpgroup Level Matrix Shared Memory
/// Layout"): bits 4 to 6 of the address by bits 7 to 9.
struct Rows128 : SwizzledRows<8> {
  static constexpr int kStages = 3;
  static constexpr int kAlignment = 8 * kPitch;
};

/// With the weights' rests (tf32_terms.h) behind the weights.
struct SplitRows128 : Rows128 {
  static constexpr int kTerms = 2;
  static constexpr int kStages = 4;
};

/// A block of a cluster: 256 columns by 128 rows, or 128 or 64 by twice as many. A stage's weights are copied
/// as they lie in shared memory, one half by each of the two blocks.
template <int kTileColumns>
struct ClusterTile : Rows128 {
  static constexpr int kStages = 4;
  static constexpr int kBlocks = 2;  ///< of a cluster
  static constexpr int kColumns = kTileColumns;
  static constexpr int kRowTiles = kColumns == 256 ? 1 : 2;
  static constexpr int kRows = kRowTiles * tile::kRows;
  static constexpr int kWeightBytes = kColumns * kPitch;
  static constexpr int kShareBytes = kWeightBytes / kBlocks;
};

/// Columns of a block of a cluster.
BACKDROP_HOST_DEVICE constexpr int cluster_columns(int group_columns) {
  return group_columns > 128 ? 256 : group_columns > 64 ? 128 : 64;
}

template <class Rows>
BACKDROP_HOST_DEVICE constexpr int stage_bytes(int columns) {
  return (Rows::kRows + Rows::kTerms * columns) * Rows::kPitch;
}

/// Where the finished sums lie, in floats. The two halves of eight columns are apart, so that threads which
/// write or read neighbours are on different banks.
BACKDROP_HOST_DEVICE constexpr int result_pitch(int columns) {
  return columns + 8;
}
BACKDROP_HOST_DEVICE constexpr int result_half(int columns) {
  return columns / 2 + 4;
}
BACKDROP_HOST_DEVICE constexpr int result_place(int columns, int row, int column) {
  return row * result_pitch(columns) + column / 8 * 4 + column / 4 % 2 * result_half(columns) + column % 4;
}

/// Of stages or sums, the larger, and what aligning the first stage may take.
template <class Rows>
BACKDROP_HOST_DEVICE constexpr int shared_bytes(int columns) {
  const int stages = Rows::kStages * stage_bytes<Rows>(columns);
  const int result = Rows::kRows * result_pitch(columns) * 4;
  return (stages > result ? stages : result) + Rows::kAlignment - kChunkBytes;
}

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
