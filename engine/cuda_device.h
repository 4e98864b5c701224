/// \file
/// The GPUs that can be used here, and why not if none.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/precision.h"

namespace backdrop {

struct CudaDevice {
  int index = 0;
  std::string name;
  int major = 0;
  int minor = 0;
  int multiprocessors = 0;
  std::size_t memory = 0;
  std::size_t free_bytes = 0;  ///< once it is opened

  std::string capability() const { return std::to_string(major) + "." + std::to_string(minor); }
  bool has_fp8() const { return major * 10 + minor >= 89; }
  bool takes(Precision precision) const {
    return precision != Precision::int16 && (precision != Precision::fp8 || has_fp8());
  }
};

/// How many there are. Throws no_device with the reason if there is none.
int count_cuda_devices();

/// Makes device `index` this thread's. Throws no_device with the reason: no driver, an old driver, no such
/// device, one below compute capability 8.0, one that is busy or has no memory left.
CudaDevice open_cuda_device(int index);

/// What times on a device depend on: its name, compute capability and size, the driver and the runtime.
std::string describe_machine(const CudaDevice& device);

}  // namespace backdrop
