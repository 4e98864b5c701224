/// \file
/// A piece of a search for NVIDIA's profilers: `nsys profile --capture-range=cudaProfilerApi` and
/// `ncu --profile-from-start off` record what lies between the two calls made here.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "engine/composite_task.h"
#include "engine/engine_options.h"

namespace backdrop {

/// Counts the tasks of a search and starts and stops the profiler at the window's ends.
class CudaProfileWindow {
 public:
  explicit CudaProfileWindow(const ProfileWindow& window) : window_(window) {}
  CudaProfileWindow(const CudaProfileWindow&) = delete;
  CudaProfileWindow& operator=(const CudaProfileWindow&) = delete;
  /// Ends a window that the search did not come to the end of.
  ~CudaProfileWindow();

  /// Calls `body` with all tasks in order, cut where the window begins or ends. The device must be idle
  /// whenever `body` returns, so that the window holds its own tasks' work and no other.
  void run(std::span<const CompositeTask> tasks,
           const std::function<void(std::span<const CompositeTask>)>& body);

 private:
  std::size_t tasks_to_next_end() const;

  ProfileWindow window_;
  std::int64_t done_ = 0;  // tasks
  bool open_ = false;
};

}  // namespace backdrop
