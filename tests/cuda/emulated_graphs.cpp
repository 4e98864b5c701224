// The emulated runtime's graphs: what a thread gives to the stream that it captures is kept, and done
// whenever the graph is launched.
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/emulated_runtime.h"

namespace backdrop::test {
namespace {

struct Graph {
  int device = 0;
  std::vector<std::function<cudaError_t()>> work;
};

struct Capture {
  cudaStream_t stream = nullptr;
  std::unique_ptr<Graph> graph;
  bool is_spoilt = false;
};

std::atomic<GraphTrouble> trouble = GraphTrouble::none;
std::atomic<int> graph_launches = 0;
std::atomic<int> graphs = 0;

thread_local std::unique_ptr<Capture> capture;

int current_device() {
  int device = 0;
  cudaGetDevice(&device);
  return device;
}

Graph* graph_of(cudaGraph_t graph) {
  return reinterpret_cast<Graph*>(graph);
}

Graph* graph_of(cudaGraphExec_t executable) {
  return reinterpret_cast<Graph*>(executable);
}

}  // namespace

cudaError_t enqueue(cudaStream_t stream, std::function<cudaError_t()> work) {
  // The default stream waits for all others that wait for it: nothing may be given to it meanwhile.
  if (capture && stream == nullptr) return refuse_in_capture();
  if (!capture || capture->stream != stream) return work();
  if (capture->is_spoilt) return cudaErrorStreamCaptureInvalidated;
  capture->graph->work.push_back(std::move(work));
  return cudaSuccess;
}

cudaError_t refuse_in_capture() {
  if (!capture) return cudaSuccess;
  capture->is_spoilt = true;
  return cudaErrorStreamCaptureUnsupported;
}

void trouble_graphs(GraphTrouble what) {
  trouble = what;
}

int take_graph_launches() {
  return graph_launches.exchange(0);
}

int graphs_in_use() {
  return graphs;
}

}  // namespace backdrop::test

namespace test = backdrop::test;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  // Other threads would be held up by the other modes.
  if (mode != cudaStreamCaptureModeThreadLocal || stream == nullptr || test::capture ||
      test::trouble == test::GraphTrouble::at_begin)
    return test::noted(cudaErrorStreamCaptureUnsupported);
  if (!test::is_here(stream)) return test::noted(test::note_misplaced());
  test::capture = std::make_unique<test::Capture>();
  test::capture->stream = stream;
  test::capture->graph = std::make_unique<test::Graph>();
  test::capture->graph->device = test::current_device();
  test::capture->is_spoilt = test::trouble == test::GraphTrouble::at_capture;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (!test::capture || test::capture->stream != stream) return test::noted(cudaErrorIllegalState);
  const auto ended = std::exchange(test::capture, nullptr);
  if (ended->is_spoilt) return test::noted(cudaErrorStreamCaptureInvalidated);
  ++test::graphs;
  *graph = reinterpret_cast<cudaGraph_t>(ended->graph.release());
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  if (test::trouble == test::GraphTrouble::at_instantiation) return test::noted(cudaErrorNotSupported);
  ++test::graphs;
  *executable = reinterpret_cast<cudaGraphExec_t>(new test::Graph(*test::graph_of(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const test::Graph& graph = *test::graph_of(executable);
  if (test::trouble == test::GraphTrouble::at_launch) return test::noted(cudaErrorNotSupported);
  if (graph.device != test::current_device() || !test::is_here(stream))
    return test::noted(test::note_misplaced());
  ++test::graph_launches;
  for (const auto& work : graph.work)
    if (const cudaError_t status = test::enqueue(stream, work); status != cudaSuccess)
      return test::noted(status);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  --test::graphs;
  delete test::graph_of(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const bool here = test::graph_of(executable)->device == test::current_device();
  --test::graphs;
  delete test::graph_of(executable);
  return test::noted(here ? cudaSuccess : test::note_misplaced());
}

}  // extern "C"
