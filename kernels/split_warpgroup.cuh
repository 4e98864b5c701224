/// \file
/// fp32 products by wgmma on terms (tf32_terms.h): activations are split in registers, weights in shared
/// memory by the threads that copied them.
#pragma once

#include "kernels/cuda_element.h"
#include "kernels/cuda_tile_loader.h"
#include "kernels/cuda_warpgroup.cuh"
#include "kernels/split_math.cuh"

namespace backdrop::kernels {

/// Each of the block's two warpgroups computes 64 rows by all columns. `Product` is MatrixMath's of terms.
template <class Product, int kTileColumns>
struct WarpgroupSplitMath {
  using Element = float;
  using Sum = float;
  using Rows = tile::SplitRows128;
  using Share = tile::WarpgroupShare;
  static constexpr int kColumns = kTileColumns;
  static constexpr int kBlocks = 1;  ///< registers hold the activations' terms and two sets of sums
  static constexpr bool kRunsHere = kHasWarpgroupCode;
  static constexpr int kRestsAt = kColumns * Rows::kPitch;  ///< from the weights

  float sums[kColumns / 2] = {};
  float stage_sums[kColumns / 2] = {};

  static __device__ __forceinline__ void publish_copies(unsigned char* stage, int thread) {
    using Loader = tile::Loader<float, kColumns, Rows>;
    unsigned char* weights =
        stage + Rows::kRows * Rows::kPitch + Rows::offset(thread / Rows::kChunks, thread % Rows::kChunks);
#pragma unroll
    for (int i = 0; i < Loader::kColumnShare; ++i, weights += Loader::kStride * Rows::kPitch) {
      const auto values = *reinterpret_cast<const Four<float>*>(weights);
      Four<float> large;
      Four<float> rest;
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const tf32::Terms terms = tf32::terms_of(values.values[k]);
        large.values[k] = terms.large;
        rest.values[k] = terms.rest;
      }
      *reinterpret_cast<Four<float>*>(weights) = large;
      *reinterpret_cast<Four<float>*>(weights + kRestsAt) = rest;
    }
    show_to_tensor_cores();
  }

  /// The products are under way when this returns.
  __device__ __forceinline__ void start(const unsigned char* stage, int thread) {
    typename Product::Operand a[Share::kSteps];
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step)
      Product::load(a[step], stage + Share::left_offset(thread / 32, step, thread % 32));
    const std::uint64_t large = Share::descriptor(shared_address(stage) + Share::right_offset(0));
    const std::uint64_t rest = large + Share::address_bits(kRestsAt);
    begin_products();
    // The smallest come first.
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step) {
      const std::uint64_t at = Share::address_bits(step * Share::kStepBytes);
      warpgroup_tf32s(stage_sums, a[step].rest, large + at, step > 0 ? 1 : 0);
      warpgroup_tf32s(stage_sums, a[step].large, rest + at, 1);
    }
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step)
      warpgroup_tf32s(stage_sums, a[step].large, large + Share::address_bits(step * Share::kStepBytes), 1);
    commit_products();
  }

  __device__ __forceinline__ void accumulate(const unsigned char*, int) {
    wait_for_products<0>();
#pragma unroll
    for (int k = 0; k < kColumns / 2; ++k) {
      asm volatile("" : "+f"(stage_sums[k])::"memory");  // is read behind the wait
      sums[k] += stage_sums[k];
    }
  }

  __device__ __forceinline__ void write(Sum* result, int thread) const {
    write_warpgroup_sums<kColumns>(sums, result, thread);
  }

  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const Sum* result, int thread) {
    Product::template finish<kColumns>(a, place, result, thread);
  }
};

}  // namespace backdrop::kernels
