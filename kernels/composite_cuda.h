/// \file
/// Compositing fused with normalisation on the GPU, from 8-bit photos to the network's input, whose channels
/// are padded with zeros to 16 bytes: [N][pixels][4 or 8].
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_parts.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

cudaError_t composite_cuda(Precision precision, const CompositeArguments& arguments, cudaStream_t stream);

}  // namespace backdrop::kernels
