/// \file
/// A fixed set of worker threads for loops whose iterations are independent.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace backdrop {

/// Threads that live as long as the object. `run` may be called from one thread at a time.
class ThreadPool {
 public:
  /// `threads` workers, at least one; 0 takes available_threads(). Throws failed if they cannot be started.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const noexcept;

  /// Calls `body(index, worker)` for every index in [0, count), each once, from any of the workers, and
  /// returns when all are done. The first exception thrown stops the hand-out of further indices and is
  /// rethrown here.
  void run(std::size_t count, const std::function<void(std::size_t index, int worker)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The number of hardware threads that this process may keep busy: not the machine's count but what its
/// affinity mask and the CPU quotas of its control groups leave.
int available_threads();

}  // namespace backdrop
