#include "engine/cuda_graph.h"

#include "engine/cuda_range.h"

namespace backdrop {

class CudaGraphs::Graph {
 public:
  // Null if this cannot be captured; nothing was enqueued then.
  static std::unique_ptr<Graph> capture(cudaStream_t stream, const std::function<void()>& enqueue) {
    // Other threads go on as they like: they may be working on other devices.
    if (cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) != cudaSuccess) return nullptr;
    bool enqueued = true;
    try {
      enqueue();
    } catch (...) {
      enqueued = false;  // thrown again by the ordinary call that follows, if it is not the capture's fault
    }
    cudaGraph_t captured = nullptr;
    const bool ended = cudaStreamEndCapture(stream, &captured) == cudaSuccess && captured != nullptr;
    auto graph = std::make_unique<Graph>();
    const bool ready = ended && enqueued && cudaGetDevice(&graph->device_) == cudaSuccess &&
                       cudaGraphInstantiate(&graph->executable_, captured, 0) == cudaSuccess;
    if (captured != nullptr) cudaGraphDestroy(captured);
    return ready ? std::move(graph) : nullptr;
  }

  Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() {
    if (executable_ == nullptr) return;
    cudaSetDevice(device_);
    cudaGraphExecDestroy(executable_);
  }

  bool launch(cudaStream_t stream) const { return cudaGraphLaunch(executable_, stream) == cudaSuccess; }

 private:
  int device_ = 0;
  cudaGraphExec_t executable_ = nullptr;
};

CudaGraphs::CudaGraphs() = default;
CudaGraphs::~CudaGraphs() = default;

void CudaGraphs::run(int rows, cudaStream_t stream, const std::function<void()>& enqueue) {
  const auto known = graphs_.find(rows);
  if (known == graphs_.end()) {
    if (rows <= kMostRows && graphs_.size() < kMostGraphs) graphs_.emplace(rows, nullptr);
    return enqueue();
  }
  if (!work_ || !launch(*known, stream, enqueue)) enqueue();
}

bool CudaGraphs::launch(Graphs::value_type& entry, cudaStream_t stream,
                        const std::function<void()>& enqueue) {
  auto& graph = entry.second;
  if (!graph) {
    const CudaRange range("capture");
    graph = Graph::capture(stream, enqueue);
  }
  const CudaRange range("graph");
  work_ = graph && graph->launch(stream);
  if (!work_) cudaGetLastError();  // forget it
  return work_;
}

}  // namespace backdrop
