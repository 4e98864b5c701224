/// \file
/// A kernel of clusters for tests: what one block of a cluster copies goes to all of them.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace backdrop::ptx {

inline constexpr int kClusterWords = 256;  // of a step

/// Adds up `values`, [steps][kClusterWords], in each block for itself: `sums` is [blocks][kClusterWords].
cudaError_t sum_in_clusters(const std::uint32_t* values, int steps, std::uint32_t* sums, unsigned int blocks,
                            unsigned int cluster, cudaStream_t stream);

}  // namespace backdrop::ptx
