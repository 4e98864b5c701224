/// \file
/// The same kernels enqueued again and again, as one CUDA graph.
///
/// A launch costs the host some microseconds and a network has a hundred, so on few rows the device waits for
/// the host. A graph is one call. Its kernels, their order and arguments are those that were captured, so it
/// computes the same bits.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <map>
#include <memory>

namespace backdrop {

/// One graph for each number of rows that comes back. One thread and one stream at a time.
class CudaGraphs {
 public:
  CudaGraphs();
  ~CudaGraphs();

  /// More rows keep the device busy for longer than the host needs: they are enqueued as they are.
  static constexpr int kMostRows = 256;
  /// Graphs take memory: later numbers of rows are enqueued as they are.
  static constexpr std::size_t kMostGraphs = 16;

  /// Enqueues on `stream` what `enqueue` does, which must be kernels on this stream alone and the same for
  /// the same rows. The first time by calling it, which also loads the kernels: that cannot be captured; the
  /// second time it is called to be captured. Where something cannot be captured or launched it is called
  /// every time from then on. What it throws is passed on, but not while it is captured.
  void run(int rows, cudaStream_t stream, const std::function<void()>& enqueue);

 private:
  class Graph;

  using Graphs = std::map<int, std::unique_ptr<Graph>>;  // null: was enqueued once

  bool launch(Graphs::value_type& entry, cudaStream_t stream, const std::function<void()>& enqueue);

  Graphs graphs_;
  bool work_ = true;
};

}  // namespace backdrop
