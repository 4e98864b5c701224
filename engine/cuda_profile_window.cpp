#include "engine/cuda_profile_window.h"

#include <cuda_profiler_api.h>

#include <algorithm>
#include <limits>

#include "engine/cuda_check.h"

namespace backdrop {

CudaProfileWindow::~CudaProfileWindow() {
  if (open_) cudaProfilerStop();
}

// From the tasks done to the window's next end.
std::size_t CudaProfileWindow::tasks_to_next_end() const {
  const std::int64_t before = window_.first - 1;
  const std::int64_t end = before + window_.count;
  if (window_.count == 0 || done_ >= end) return std::numeric_limits<std::size_t>::max();
  return done_ < before ? before - done_ : end - done_;
}

void CudaProfileWindow::run(std::span<const CompositeTask> tasks,
                            const std::function<void(std::span<const CompositeTask>)>& body) {
  while (!tasks.empty()) {
    const auto part = tasks.first(std::min(tasks.size(), tasks_to_next_end()));
    if (window_.count > 0 && done_ == window_.first - 1) {
      check_cuda(cudaProfilerStart(), "starting the profiler");
      open_ = true;
    }
    body(part);
    done_ += static_cast<std::int64_t>(part.size());
    if (open_ && done_ == window_.first - 1 + window_.count) {
      open_ = false;
      check_cuda(cudaProfilerStop(), "stopping the profiler");
    }
    tasks = tasks.subspan(part.size());
  }
}

}  // namespace backdrop
