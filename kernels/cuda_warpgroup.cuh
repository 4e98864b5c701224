/// \file
/// A block's products by wgmma (warpgroup_products.cuh). Both operands come from shared memory in the layout
/// of tile::Rows128.
#pragma once

#include "kernels/warpgroup_products.cuh"

namespace backdrop::kernels {

/// A type's products by both instructions, for MatrixMath and WarpgroupMath.
struct HalfMultiply {
  using Sum = float;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_halves(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_halves(sums, a, b);
  }
};

struct Bfloat16Multiply {
  using Sum = float;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_bfloat16s(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_bfloat16s(sums, a, b);
  }
};

struct ByteMultiply {
  using Sum = std::int32_t;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_bytes(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_bytes(sums, a, b);
  }
};

struct E4m3Multiply {
  using Sum = float;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_e4m3s(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_e4m3s(sums, a, b);
  }
};

/// A thread's sums of a row tile to where the block finishes them.
template <int kColumns, class Sum>
__device__ __forceinline__ void write_warpgroup_sums(const Sum (&sums)[kColumns / 2], Sum* result,
                                                     int thread) {
#pragma unroll
  for (int j = 0; j < kColumns / 8; ++j)
#pragma unroll
    for (int k = 0; k < 4; k += 2)
      *reinterpret_cast<SumPair<Sum>*>(
          result + tile::WarpShare<kColumns>::result_offset(thread / 32 * 16, 8 * j, k, thread % 32)) = {
          sums[4 * j + k], sums[4 * j + k + 1]};
}

/// Each of the block's two warpgroups computes 64 rows of each row tile by all columns.
/// `Product` is MatrixMath's.
template <class Product, int kTileColumns, int kRowTiles = 1>
struct WarpgroupMath {
  using Element = typename Product::Element;
  using Sum = typename Product::Sum;
  using Rows = tile::Rows128;
  using Share = tile::WarpgroupShare;
  static constexpr int kColumns = kTileColumns;
  static constexpr int kBlocks = kTileColumns == 64 ? 3 : 2;  ///< what shared memory has room for
  static constexpr bool kRunsHere = kHasWarpgroupCode;
  static constexpr int kTileResults = tile::kRows * tile::result_pitch(kColumns);

  Sum sums[kRowTiles][kColumns / 2] = {};

  static __device__ __forceinline__ void publish_copies(unsigned char*, int) { show_to_tensor_cores(); }

  /// The products are under way when this returns: what the block does until `accumulate` costs nothing.
  __device__ __forceinline__ void start(const unsigned char* stage, int thread) {
    constexpr int kTileBytes = tile::kRows * Rows::kPitch;
    const unsigned int address = shared_address(stage);
    const std::uint64_t left = Share::descriptor(address + Share::left_offset(thread / Share::kThreads, 0));
    const std::uint64_t right =
        Share::descriptor(address + (kRowTiles - 1) * kTileBytes + Share::right_offset(0));
    begin_products();
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step)
#pragma unroll
      for (int row_tile = 0; row_tile < kRowTiles; ++row_tile)
        Product::multiply_warpgroup(
            sums[row_tile], left + Share::address_bits(row_tile * kTileBytes + step * Share::kStepBytes),
            right + Share::address_bits(step * Share::kStepBytes));
    commit_products();
  }

  __device__ __forceinline__ void accumulate(const unsigned char*, int) {
    wait_for_products<0>();
  }

  /// Row tiles one behind the other.
  __device__ __forceinline__ void write(Sum* result, int thread) const {
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile)
      write_warpgroup_sums<kColumns>(sums[row_tile], result + row_tile * kTileResults, thread);
  }

  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const Sum* result, int thread) {
    Product::template finish<kColumns>(a, place, result, thread);
  }
};

template <class Product, int kColumns>
using TileWarpgroupMath = WarpgroupMath<Product, kColumns>;

}  // namespace backdrop::kernels
