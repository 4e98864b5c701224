/// \file
/// The two roofs of a GPU: a loop of multiply-adds on registers alone, and a sum of two arrays.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/precision.h"

namespace backdrop::kernels {

struct PeakLoop {
  Precision precision = Precision::fp32;
  bool warpgroups = false;  ///< by wgmma, in fp32 of split tf32; else mma.sync, and FMA in fp32
  int blocks = 0;
  int rounds = 0;
};

/// Enqueues a loop. `sink` has room for peak_sums(blocks) floats, all written. An error if the device has no
/// such products.
cudaError_t peak_loop_cuda(const PeakLoop& loop, float* sink, cudaStream_t stream);

/// Its multiply-adds.
std::int64_t peak_multiply_adds(const PeakLoop& loop);
std::int64_t peak_sums(int blocks);

/// Enqueues a[i] = b[i] + s * c[i] over `count` floats each, a multiple of four.
cudaError_t peak_memory_cuda(float* a, const float* b, const float* c, std::int64_t count,
                             cudaStream_t stream);

}  // namespace backdrop::kernels
