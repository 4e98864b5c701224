/// \file
/// CUDA's errors as ours.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "backdrop/error.h"

namespace backdrop {

/// The device has no memory left; smaller tiles may fit.
class DeviceMemoryError : public Error {
 public:
  DeviceMemoryError(int device, const std::string& what)
      : Error(ErrorCode::no_device, "GPU " + std::to_string(device) + " has no memory left for " + what +
                                        ": give less with --cache-memory or --batch, or use --device cpu") {}
};

/// Throws for every status but success; `what` says what was being done.
inline void check_cuda(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // forget it: the next call must not report it again
  int device = 0;
  cudaGetDevice(&device);
  if (status == cudaErrorMemoryAllocation) throw DeviceMemoryError(device, what);
  throw Error(ErrorCode::failed,
              "CUDA on GPU " + std::to_string(device) + ": " + what + ": " + cudaGetErrorString(status));
}

}  // namespace backdrop
