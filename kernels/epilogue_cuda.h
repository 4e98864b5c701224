/// \file
/// output = activation(output + bias + residual), in place: what a library's convolution leaves to do.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/precision.h"

namespace backdrop::kernels {

/// [positions][channels], channels a multiple of 8; `residual` may be null.
struct EpilogueArguments {
  std::int64_t positions = 0;
  int channels = 0;
  const float* bias = nullptr;
  const void* residual = nullptr;
  void* output = nullptr;
  float slope = 1.0f;
};

cudaError_t epilogue_cuda(Precision precision, const EpilogueArguments& arguments, cudaStream_t stream);

}  // namespace backdrop::kernels
