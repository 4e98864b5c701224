/// \file
/// The position convolution by clusters: 128 rows by 256 columns a block, or 256 by 128 or 64; products by
/// wgmma, each stage's started before the last one's are done. What a smaller tile reads through the L2 cache
/// for its products bounds their rate; here two blocks that compute the same columns copy one half of each
/// stage's weights for both.
///
/// Needs weights by pack_for_clusters, and taps of whole stages.
#pragma once

#include "kernels/cuda_cluster.cuh"
#include "kernels/position_kernel.cuh"

namespace backdrop::kernels {

template <class Product, class Tile>
__device__ __forceinline__ void convolve_cluster_tile(const ConvolutionArguments& a) {
  using Math = WarpgroupMath<Product, Tile::kColumns, Tile::kRowTiles>;
  using Element = typename Math::Element;
  using Sum = typename Math::Sum;
  constexpr int kStages = Tile::kStages;
  constexpr int kStageBytes = tile::stage_bytes<Tile>(Tile::kColumns);
  constexpr int kAhead = kStages - 2;  // one stage is multiplied, and another one's products may be under way
  extern __shared__ __align__(16) unsigned char unaligned[];
  unsigned char* memory = unaligned + (-shared_address(unaligned) & (Tile::kAlignment - 1));
  __shared__ std::uint32_t bits[tile::kMaskWords];
  __shared__ std::uint8_t used[tile::kMaxWindow];
  __shared__ std::uint64_t barriers[2 * kStages];
  const int thread = static_cast<int>(threadIdx.x);
  const int rank = static_cast<int>(blockIdx.x) % Tile::kBlocks;
  const tile::Place place = tile::place_in_cluster<Tile>(a, static_cast<int>(blockIdx.x));

  const auto full = [&](int step) { return shared_address(barriers + step % kStages); };
  const auto empty = [&](int step) { return shared_address(barriers + kStages + step % kStages); };
  if (thread == 0) {
    for (int stage = 0; stage < kStages; ++stage) {
      init_barrier(full(stage), 1);
      init_barrier(empty(stage), Tile::kBlocks);
    }
    show_barriers();
  }
  // Both blocks multiply the taps that either uses: their weights come in the same order.
  const int taps =
      find_used_taps(a, place.first_row - rank * Tile::kRows, Tile::kBlocks * Tile::kRows, bits, used);
  tile::Loader<Element, 0, Tile> loader(a, place, thread, used, taps);
  const int steps = loader.steps();
  come_to_cluster();
  wait_for_cluster();

  const unsigned char* weights =
      static_cast<const unsigned char*>(a.weights) +
      static_cast<std::int64_t>(place.column_tile) * loader.weight_stages(a.window) * Tile::kWeightBytes +
      rank * Tile::kShareBytes;
  const auto load = [&](int step) {
    unsigned char* stage = memory + step % kStages * kStageBytes;
    if (thread == 0) {
      arrive_and_expect(full(step), Tile::kWeightBytes);
      copy_to_blocks(shared_address(stage + Tile::kRows * Tile::kPitch + rank * Tile::kShareBytes),
                     weights + static_cast<std::int64_t>(loader.weight_stage()) * Tile::kWeightBytes,
                     Tile::kShareBytes, full(step), (1 << Tile::kBlocks) - 1);
    }
    loader.load(stage, CopyAsync());
  };
#pragma unroll
  for (int step = 0; step < kAhead; ++step) {
    if (step < steps) load(step);
    commit_copies();
  }
  Math math;
  for (int step = 0; step < steps; ++step) {
    wait_for_copies<kAhead - 1>();
    show_to_tensor_cores();
    wait_for_phase(full(step), step / kStages % 2);
    // Behind this barrier the products of the last step but one are done: their stage is filled next.
    __syncthreads();
    math.start(memory + step % kStages * kStageBytes, thread);
    const int next = step + kAhead;
    if (next < steps) {
      if (thread == 0 && next >= kStages) {
        for (int block = 0; block < Tile::kBlocks; ++block) arrive_at(empty(next), block);
        wait_for_phase(empty(next), (next / kStages - 1) % 2);
      }
      load(next);
    }
    commit_copies();
    wait_for_products<1>();
  }
  wait_for_products<0>();
  __syncthreads();  // nothing is under way: each copy to this block was waited for, whichever block sent it
  come_to_cluster();

  Sum* result = reinterpret_cast<Sum*>(memory);
  math.write(result, thread);
  __syncthreads();
#pragma unroll
  for (int row_tile = 0; row_tile < Tile::kRowTiles; ++row_tile) {
    tile::Place part = place;
    part.first_row += row_tile * tile::kRows;
    Math::finish(a, part, result + row_tile * Math::kTileResults, thread);
  }
  wait_for_cluster();  // a block must not end before what it copied is there in the other one
}

template <class Product, class Tile>
__global__ void __launch_bounds__(tile::kThreads, 1)
    cluster_convolution_kernel(const __grid_constant__ ConvolutionArguments a) {
  if constexpr (kHasWarpgroupCode)
    convolve_cluster_tile<Product, Tile>(a);
  else
    __trap();
}

template <class Product, class Tile>
cudaError_t launch_cluster_tiles(const ConvolutionArguments& arguments, cudaStream_t stream) {
  return launch_tiles(cluster_convolution_kernel<Product, Tile>, arguments, Tile::kColumns,
                      tile::shared_bytes<Tile>(Tile::kColumns), Tile::kRows, Tile::kBlocks, stream);
}

template <class Product>
cudaError_t launch_clusters(const ConvolutionArguments& arguments, cudaStream_t stream) {
  switch (tile::cluster_columns(arguments.group_columns)) {
    case 256:
      return launch_cluster_tiles<Product, tile::ClusterTile<256>>(arguments, stream);
    case 128:
      return launch_cluster_tiles<Product, tile::ClusterTile<128>>(arguments, stream);
    default:
      return launch_cluster_tiles<Product, tile::ClusterTile<64>>(arguments, stream);
  }
}

/// By the instructions that the arguments say.
template <class Product>
cudaError_t launch_matrix(const ConvolutionArguments& arguments, cudaStream_t stream) {
  switch (arguments.products) {
    case Products::clusters:
      return launch_clusters<Product>(arguments, stream);
    case Products::warpgroups:
      return launch_columns<TileWarpgroupMath, Product>(arguments, stream);
    case Products::warps:
    case Products::split:  // fp32's
    case Products::split_warpgroups:
      break;
  }
  return launch_columns<MatrixMath, Product>(arguments, stream);
}

}  // namespace backdrop::kernels
