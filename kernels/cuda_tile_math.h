/// \file
/// Which thread of a position convolution (cuda_tile.h) multiplies what of a stage, and where its sums go.
#pragma once

#include "kernels/cuda_eight.h"
#include "kernels/cuda_tile.h"

namespace backdrop::kernels::tile {

/// fp32 products. A thread computes rows ty + 16 i and columns tx + 16 j of a tile of 64 columns.
struct ScalarMath {
  using Rows = Rows64;
  static constexpr int kColumns = 64;
  static constexpr int kSide = 16;
  static constexpr int kRowCount = kRows / kSide;
  static constexpr int kColumnCount = kColumns / kSide;
  float sums[kRowCount][kColumnCount] = {};

  BACKDROP_HOST_DEVICE void accumulate(const unsigned char* stage, int thread) {
    const int row = thread / kSide;
    const int column = thread % kSide;
    BACKDROP_UNROLL
    for (int chunk = 0; chunk < Rows::kChunks; ++chunk) {
      Four<float> right[kColumnCount];
      BACKDROP_UNROLL
      for (int j = 0; j < kColumnCount; ++j)
        right[j] =
            *reinterpret_cast<const Four<float>*>(stage + Rows::offset(kRows + j * kSide, column, chunk));
      BACKDROP_UNROLL
      for (int i = 0; i < kRowCount; ++i) {
        const Four<float> left =
            *reinterpret_cast<const Four<float>*>(stage + Rows::offset(i * kSide, row, chunk));
        BACKDROP_UNROLL
        for (int j = 0; j < kColumnCount; ++j) BACKDROP_UNROLL
        for (int k = 0; k < 4; ++k) sums[i][j] += left.values[k] * right[j].values[k];
      }
    }
  }

  BACKDROP_HOST_DEVICE void write(float* result, int thread) const {
    BACKDROP_UNROLL
    for (int i = 0; i < kRowCount; ++i) BACKDROP_UNROLL
    for (int j = 0; j < kColumnCount; ++j)
      result[result_place(kColumns, thread / kSide + i * kSide, thread % kSide + j * kSide)] = sums[i][j];
  }
};

/// How the eight warps share a tile on tensor cores: each computes 32 columns, as m16n8 products.
template <int kColumns>
struct WarpShare {
  static constexpr int kWarpColumns = 32;
  static constexpr int kAcross = kColumns / kWarpColumns;
  static constexpr int kWarpRows = kRows * kAcross / (kThreads / 32);
  static constexpr int kRowTiles = kWarpRows / 16;
  static constexpr int kColumnTiles = kWarpColumns / 8;
  static constexpr int kSteps = 2;  ///< products of 32 bytes of inner dimension in the 64 of a stage

  BACKDROP_HOST_DEVICE static int first_row(int warp) { return warp / kAcross * kWarpRows; }
  BACKDROP_HOST_DEVICE static int first_column(int warp) { return warp % kAcross * kWarpColumns; }

  /// The 16 bytes whose address lane `lane` gives to ldmatrix.x4 for 16 rows of A: its four 8 x 16-byte
  /// blocks are rows 0-7 and 8-15 of the first 16 bytes, then of the second.
  BACKDROP_HOST_DEVICE static int left_offset(int row, int step, int lane) {
    return Rows64::offset(row + lane / 8 % 2 * 8, lane % 8, 2 * step + lane / 16);
  }
  /// The same for 16 columns of B: columns 0-7 in both halves of 16 bytes, then columns 8-15.
  BACKDROP_HOST_DEVICE static int right_offset(int column, int step, int lane) {
    return Rows64::offset(kRows + column + lane / 16 * 8, lane % 8, 2 * step + lane / 8 % 2);
  }
  /// Where register `index` (0..3) of an m16n8 product at (row, column) goes in the tile's sums. The products
  /// of a warpgroup lie in the same way (PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk..."): warp w
  /// of the block has rows 16 w to 16 w + 15, its registers 4 j to 4 j + 3 columns 8 j to 8 j + 7.
  BACKDROP_HOST_DEVICE static int result_offset(int row, int column, int index, int lane) {
    return (row + lane / 4 + index / 2 * 8) * result_pitch(kColumns) + column / 2 +
           result_place(kColumns, 0, lane % 4 * 2) + index % 2;
  }
};

/// Where a warpgroup's products read a swizzled stage. wgmma multiplies 64 rows by all columns over 32 bytes
/// of inner dimension; descriptors name the place in shared memory of eight rows' chunks, and how far the
/// next eight are (PTX ISA, "Matrix Descriptor Format").
struct WarpgroupShare {
  static constexpr int kThreads = 128;
  static constexpr int kRows = 64;
  static constexpr int kSteps = 4;  ///< products in the 128 bytes of a stage
  static constexpr int kStepBytes = 2 * kChunkBytes;

  BACKDROP_HOST_DEVICE static int left_offset(int warpgroup, int step) {
    return warpgroup * kRows * Rows128::kPitch + step * kStepBytes;
  }
  /// What lane `lane` of a warp of the block gives to ldmatrix.x4 where the left operand, 16 rows a warp,
  /// comes from registers: as WarpShare's, which mma.sync and wgmma have in common (PTX ISA, "Register
  /// Fragments for wgmma.mma_async.m64nNk8").
  BACKDROP_HOST_DEVICE static int left_offset(int warp, int step, int lane) {
    return Rows128::offset(16 * warp + lane / 8 % 2 * 8, lane % 8, 2 * step + lane / 16);
  }
  BACKDROP_HOST_DEVICE static int right_offset(int step) {
    return tile::kRows * Rows128::kPitch + step * kStepBytes;
  }
  /// What a descriptor says of an address in shared memory: so much more names a place so far behind.
  BACKDROP_HOST_DEVICE static constexpr std::uint64_t address_bits(std::uint32_t address) {
    return (address & 0x3ffffu) >> 4;
  }
  /// The leading dimension's offset has no meaning here.
  BACKDROP_HOST_DEVICE static std::uint64_t descriptor(std::uint32_t address) {
    constexpr std::uint64_t kLeading = 1;
    constexpr std::uint64_t kStride = Rows128::kAlignment / 16;
    constexpr std::uint64_t kSwizzle = 1;  // by 128 bytes
    return address_bits(address) | kLeading << 16 | kStride << 32 | kSwizzle << 62;
  }
};

}  // namespace backdrop::kernels::tile
