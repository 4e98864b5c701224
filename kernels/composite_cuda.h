/// \file
/// Compositing fused with normalisation on the GPU, from 8-bit photos to the network's input,
/// [N][pixels][kPixelChannels], the last channel 0. In 8 bits it is not normalised: the first layer reads the
/// photo's own bytes.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_composite.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

cudaError_t composite_cuda(Precision precision, const CompositeArguments& arguments, cudaStream_t stream);

}  // namespace backdrop::kernels
