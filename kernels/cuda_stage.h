/// \file
/// How the shared memory of a position convolution (cuda_tile.h) is laid out: stages of rows and columns
/// while it multiplies, sums when it is done.
#pragma once

#include "kernels/host_device.h"

namespace backdrop::kernels::tile {

inline constexpr int kRows = 128;  ///< of a block
inline constexpr int kChunkBytes = 16;

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

}  // namespace backdrop::kernels::tile
