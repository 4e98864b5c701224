/// \file
/// Bottlenecks in one kernel on the GPU (kernels/cuda_bottleneck.h says how).
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_bottleneck.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

/// Enqueues the chain; `precision` is int8 or fp16. An error if the device has less shared memory than it
/// takes: smaller sides and shorter chains take less. Needs compute capability 8.0.
cudaError_t bottleneck_cuda(Precision precision, const BottleneckArguments& arguments, cudaStream_t stream);

}  // namespace backdrop::kernels
