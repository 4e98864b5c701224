/// \file
/// The position convolution's kernel: the copies, the order of the stages and the way out are shared by every
/// precision; what differs is how a stage lies in shared memory and how it is multiplied.
#pragma once

#include "kernels/cuda_matrix.cuh"
#include "kernels/cuda_tile_loader.h"
#include "kernels/cuda_warpgroup.cuh"
#include "kernels/position_convolution_cuda.h"

namespace backdrop::kernels {

// The window's taps that some position of these rows uses, in rising order, to `used`; returns how many.
__device__ __forceinline__ int find_used_taps(const ConvolutionArguments& a, int first_row, int rows,
                                              std::uint32_t* bits, std::uint8_t* used) {
  const int thread = static_cast<int>(threadIdx.x);
  // A window of one tap is used without looking.
  if (thread < tile::kMaskWords) bits[thread] = thread == 0 && a.window == 1 ? 1 : 0;
  __syncthreads();
  if (a.window > 1) {
    const tile::TapRange range = tile::taps_of_rows(a, first_row, rows);
    for (int t = range.first + thread; t < range.last; t += tile::kThreads) {
      const int weight = a.work.taps[t].weight;
      atomicOr(&bits[weight / 32], 1u << (weight % 32));
    }
    __syncthreads();
  }
  if (thread < tile::kMaxWindow && tile::uses(bits, thread))
    used[tile::rank_of(bits, thread)] = static_cast<std::uint8_t>(thread);
  __syncthreads();
  return tile::rank_of(bits, tile::kMaxWindow);
}

// Block b computes tile b / column tiles of the rows: neighbouring blocks share the rows' activations.
template <class Math, template <class, int, class> class Loader>
__device__ __forceinline__ void convolve_tile(const ConvolutionArguments& a) {
  using Element = typename Math::Element;
  using Sum = typename Math::Sum;
  using Rows = typename Math::Rows;
  constexpr int kColumns = Math::kColumns;
  constexpr int kStages = Rows::kStages;
  extern __shared__ __align__(16) unsigned char unaligned[];
  unsigned char* memory = unaligned + (-shared_address(unaligned) & (Rows::kAlignment - 1));
  __shared__ std::uint32_t bits[tile::kMaskWords];
  __shared__ std::uint8_t used[tile::kMaxWindow];
  const int thread = static_cast<int>(threadIdx.x);
  const tile::Place place = tile::place_of_block(a, static_cast<int>(blockIdx.x), kColumns);
  const int taps = find_used_taps(a, place.first_row, tile::kRows, bits, used);
  Loader<Element, kColumns, Rows> loader(a, place, thread, used, taps);
  const int steps = loader.steps();
  constexpr CopyAsync kCopy;
  constexpr int kStageBytes = tile::stage_bytes<Rows>(kColumns);
#pragma unroll
  for (int stage = 0; stage < kStages - 1; ++stage) {
    if (stage < steps) loader.load(memory + stage * kStageBytes, kCopy);
    commit_copies();
  }
  Math math;
  int slot = 0;  // the step's stage
  for (int step = 0; step < steps; ++step) {
    // Of the groups committed so far, kStages - 1 + step, the first step + 1 must have arrived. The barrier
    // also says that every thread is done with the stage that is filled next.
    wait_for_copies<kStages - 2>();
    unsigned char* stage = memory + slot * kStageBytes;
    Math::publish_copies(stage, thread);
    __syncthreads();
    math.start(stage, thread);
    const int last = slot == 0 ? kStages - 1 : slot - 1;
    if (step + kStages - 1 < steps) loader.load(memory + last * kStageBytes, kCopy);
    commit_copies();
    math.accumulate(stage, thread);
    slot = slot == kStages - 1 ? 0 : slot + 1;
  }
  __syncthreads();  // no copy is under way: the groups behind the last step's are empty

  Sum* result = reinterpret_cast<Sum*>(memory);
  math.write(result, thread);
  __syncthreads();
  Math::finish(a, place, result, thread);
}

template <class Math, template <class, int, class> class Loader>
__global__ void __launch_bounds__(tile::kThreads, Math::kBlocks)
    position_convolution_kernel(const __grid_constant__ ConvolutionArguments a) {
  if constexpr (Math::kRunsHere)
    convolve_tile<Math, Loader>(a);
  else
    __trap();
}

// Blocks of `rows` by `columns` each, `cluster` of them neighbours by rows that run together.
inline cudaError_t launch_tiles(void (*kernel)(ConvolutionArguments), ConvolutionArguments arguments,
                                int columns, int shared_bytes, int rows, int cluster, cudaStream_t stream) {
  arguments.group_tiles = (arguments.group_columns + columns - 1) / columns;
  const int together = cluster * rows;
  const std::int64_t all_rows = static_cast<std::int64_t>(arguments.work.positions) * arguments.rows;
  const std::int64_t blocks =
      (all_rows + together - 1) / together * cluster * arguments.groups * arguments.group_tiles;
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX || all_rows > INT32_MAX - together) return cudaErrorInvalidValue;
  const cudaError_t allowed =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  if (allowed != cudaSuccess) return allowed;
  cudaLaunchAttribute dimension{};
  dimension.id = cudaLaunchAttributeClusterDimension;
  dimension.val.clusterDim.x = static_cast<unsigned int>(cluster);
  dimension.val.clusterDim.y = dimension.val.clusterDim.z = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = static_cast<unsigned int>(blocks);
  config.blockDim = tile::kThreads;
  config.dynamicSmemBytes = static_cast<std::size_t>(shared_bytes);
  config.stream = stream;
  config.attrs = &dimension;
  config.numAttrs = cluster > 1 ? 1 : 0;  // older devices know no clusters
  return cudaLaunchKernelEx(&config, kernel, arguments);
}

template <class Math, template <class, int, class> class Loader = tile::Loader>
cudaError_t launch_convolution(const ConvolutionArguments& arguments, cudaStream_t stream) {
  return launch_tiles(position_convolution_kernel<Math, Loader>, arguments, Math::kColumns,
                      tile::shared_bytes<typename Math::Rows>(Math::kColumns), tile::kRows, 1, stream);
}

template <template <class, int> class Math, class Product>
cudaError_t launch_columns(const ConvolutionArguments& arguments, cudaStream_t stream) {
  // One position is a fully connected layer's, which has few tiles: the smaller, the more multiprocessors
  // work.
  const bool few = arguments.work.positions == 1;
  if (arguments.group_columns > 64 && !few) return launch_convolution<Math<Product, 128>>(arguments, stream);
  return launch_convolution<Math<Product, 64>>(arguments, stream);
}

}  // namespace backdrop::kernels
