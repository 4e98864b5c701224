/// \file
/// Names for what runs, as Nsight Systems and Nsight Compute show them (NVTX).
///
/// \code
/// const CudaRange range("lists");
/// \endcode
#pragma once

#include <nvtx3/nvToolsExt.h>

#include <string>

namespace backdrop {

/// The host's time from here to the end of the block, and the device's work that it enqueues meanwhile, under
/// this name in a profile. Blocks may lie in each other. Without a profiler the cost is a test for null:
/// names are made beforehand.
class CudaRange {
 public:
  explicit CudaRange(const char* name) { nvtxRangePushA(name); }
  explicit CudaRange(const std::string& name) : CudaRange(name.c_str()) {}
  CudaRange(const CudaRange&) = delete;
  CudaRange& operator=(const CudaRange&) = delete;
  ~CudaRange() { nvtxRangePop(); }
};

}  // namespace backdrop
