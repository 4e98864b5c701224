/// \file
/// From logits to decisions on the GPU (kernels/decide.h), so that twelve bytes a composite come back.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_decision.h"

namespace backdrop::kernels {

struct DecideArguments {
  const float* logits = nullptr;  ///< [composites][stride]
  int stride = 0;
  int classes = 0;
  int composites = 0;
  const std::int32_t* in9 = nullptr;     ///< [classes]
  const std::int32_t* labels = nullptr;  ///< [composites]
  DeviceDecision* decisions = nullptr;
};

cudaError_t decide_cuda(const DecideArguments& arguments, cudaStream_t stream);

}  // namespace backdrop::kernels
