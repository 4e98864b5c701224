/// \file
/// Pools at a list of positions on the GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_pool.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

cudaError_t position_pool_cuda(Precision precision, const PoolArguments& arguments, cudaStream_t stream);

}  // namespace backdrop::kernels
