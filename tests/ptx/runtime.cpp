// The functions of CUDA's runtime over the GPU of gpu.h, but for those that start kernels.
#include "tests/ptx/runtime.h"

#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "tests/ptx/gpu.h"

namespace backdrop::ptx {
namespace {

Event& event_of(cudaEvent_t event) {
  return *reinterpret_cast<Event*>(event);
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, Stream& stream,
                 bool waits) {
  const Locked locked;
  if (waits && spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  // CUDA's manual does not say that there may be no address where there is nothing to copy.
  if (to == nullptr || from == nullptr) return cudaErrorInvalidValue;
  if (kind == cudaMemcpyHostToDevice) {
    // Ordinary memory is copied aside before the call returns, and need not have arrived by then; pinned
    // memory is read when its turn comes.
    auto aside = std::make_shared<std::vector<std::byte>>();
    if (!locked->is_pinned(from)) {
      waits = false;
      const auto* bytes_from = static_cast<const std::byte*>(from);
      aside->assign(bytes_from, bytes_from + bytes);
    }
    locked->give(stream, [=] {
      gpu().memory().note_host_write(to, bytes);
      if (bytes > 0) std::memcpy(to, aside->empty() ? from : aside->data(), bytes);
    });
  } else if (kind == cudaMemcpyDeviceToHost) {
    locked->give(stream, [=] {
      gpu().memory().check_host_read(from, bytes);
      if (bytes > 0) std::memcpy(to, from, bytes);
    });
    waits = waits || !locked->is_pinned(to);
  } else {
    return cudaErrorInvalidMemcpyDirection;
  }
  if (waits && spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  if (waits) locked->finish(stream);
  return locked->error();
}

cudaError_t fill(void* to, int value, std::size_t bytes, Stream& stream, bool waits) {
  const Locked locked;
  locked->give(stream, [=] {
    gpu().memory().note_host_write(to, bytes);
    std::memset(to, value, bytes);
  });
  if (waits) locked->finish(stream);
  return locked->error();
}

}  // namespace

void use_device(const Device& device) {
  const Locked locked;
  locked->use(device);
}

int count_in_last_kernel(const std::string& name) {
  const Locked locked;
  return locked->count_in_last_kernel(name);
}

void count_traffic(TrafficCounter* counter) {
  const Locked locked;
  locked->count_traffic(counter);
}

int take_graph_launches() {
  const Locked locked;
  return locked->take_graph_launches();
}

std::vector<std::string> take_faults() {
  const Locked locked;
  return locked->take_faults();
}

}  // namespace backdrop::ptx

using backdrop::ptx::gpu;
using backdrop::ptx::Locked;
using backdrop::ptx::noted;

extern "C" {

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (backdrop::ptx::spoils_capture()) return noted(cudaErrorStreamCaptureUnsupported);
  const Locked locked;
  *data = locked->memory().allocate(bytes);
  return noted(*data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}
cudaError_t cudaFree(void* data) {
  if (backdrop::ptx::spoils_capture()) return noted(cudaErrorStreamCaptureUnsupported);
  const Locked locked;
  locked->finish_all();  // as the device does
  return noted(locked->memory().free(data) ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned int) {
  const Locked locked;
  auto* memory = new std::byte[bytes];
  std::memset(memory, 0xff, bytes);
  locked->pin(memory, bytes);
  *data = memory;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  const Locked locked;
  locked->finish_all();
  locked->unpin(static_cast<const std::byte*>(data));
  delete[] static_cast<std::byte*>(data);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total) {
  const Locked locked;
  *total = locked->memory().limit();
  *free_bytes = *total - locked->memory().in_use();
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return noted(backdrop::ptx::copy(to, from, bytes, kind, gpu().stream(nullptr), true));
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return noted(backdrop::ptx::copy(to, from, bytes, kind, gpu().stream(stream), false));
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return noted(backdrop::ptx::fill(to, value, bytes, gpu().stream(nullptr), true));
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return noted(backdrop::ptx::fill(to, value, bytes, gpu().stream(stream), false));
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  // Streams that wait for the default stream are not known.
  if (flags != cudaStreamNonBlocking) return noted(cudaErrorNotSupported);
  const Locked locked;
  *stream = locked->make_stream();
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Locked locked;
  locked->destroy(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (backdrop::ptx::spoils_capture()) return noted(cudaErrorStreamCaptureUnsupported);
  const Locked locked;
  locked->finish(locked->stream(stream));
  return noted(locked->error());
}
cudaError_t cudaDeviceSynchronize() {
  if (backdrop::ptx::spoils_capture()) return noted(cudaErrorStreamCaptureUnsupported);
  const Locked locked;
  locked->finish_all();
  return noted(locked->error());
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  if (backdrop::ptx::spoils_capture()) return noted(cudaErrorStreamCaptureUnsupported);
  const Locked locked;
  const backdrop::ptx::Event waited_for = backdrop::ptx::event_of(event);
  if (waited_for.stream != nullptr)
    locked->give(locked->stream(stream),
                 [waited_for] { gpu().advance(*waited_for.stream, waited_for.place); });
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  auto* made = new backdrop::ptx::Event;
  made->has_time = (flags & cudaEventDisableTiming) == 0;
  *event = reinterpret_cast<cudaEvent_t>(made);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Locked locked;
  locked->finish_all();
  delete &backdrop::ptx::event_of(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  if (backdrop::ptx::spoils_capture()) return noted(cudaErrorStreamCaptureUnsupported);
  const Locked locked;
  backdrop::ptx::Stream& stream = locked->stream(handle);
  backdrop::ptx::Event& recorded = backdrop::ptx::event_of(event);
  recorded.stream = &stream;
  recorded.place = stream.given + 1;
  locked->give(stream, [&recorded] { recorded.time = gpu().clock(); });
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (backdrop::ptx::spoils_capture()) return noted(cudaErrorStreamCaptureUnsupported);
  const Locked locked;
  const backdrop::ptx::Event& waited_for = backdrop::ptx::event_of(event);
  if (waited_for.stream != nullptr) locked->advance(*waited_for.stream, waited_for.place);
  return noted(locked->error());
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const Locked locked;
  for (const cudaEvent_t event : {start, end}) {
    const backdrop::ptx::Event& recorded = backdrop::ptx::event_of(event);
    if (!recorded.has_time || recorded.stream == nullptr) return noted(cudaErrorInvalidResourceHandle);
    if (!recorded.is_done()) return noted(cudaErrorNotReady);
  }
  *milliseconds =
      static_cast<float>(backdrop::ptx::event_of(end).time - backdrop::ptx::event_of(start).time) * 1e-6f;
  return noted(locked->error());
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  // Other modes, which hold up other threads, are not known.
  const bool begun =
      mode == cudaStreamCaptureModeThreadLocal && backdrop::ptx::begin_capture(Locked()->stream(stream));
  return noted(begun ? cudaSuccess : cudaErrorStreamCaptureUnsupported);
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  *graph = nullptr;
  auto captured = backdrop::ptx::end_capture();
  if (!captured) return noted(cudaErrorStreamCaptureInvalidated);
  *graph = reinterpret_cast<cudaGraph_t>(new backdrop::ptx::Graph(std::move(*captured)));
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const auto& captured = *reinterpret_cast<const backdrop::ptx::Graph*>(graph);
  if (!captured.can_launch()) return noted(cudaErrorInvalidValue);
  *executable = reinterpret_cast<cudaGraphExec_t>(new backdrop::ptx::Graph(captured));
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Locked locked;
  const auto& graph = *reinterpret_cast<const backdrop::ptx::Graph*>(executable);
  if (!graph.can_launch()) return noted(cudaErrorInvalidValue);
  locked->give(locked->stream(stream), graph);
  return noted(locked->error());
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<backdrop::ptx::Graph*>(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete reinterpret_cast<backdrop::ptx::Graph*>(executable);
  return cudaSuccess;
}

cudaError_t cudaProfilerStart() {
  return cudaSuccess;
}
cudaError_t cudaProfilerStop() {
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return noted(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const Locked locked;
  if (attribute == cudaDevAttrComputeCapabilityMajor)
    *value = locked->device().capability / 10;
  else if (attribute == cudaDevAttrComputeCapabilityMinor)
    *value = locked->device().capability % 10;
  else if (attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin)
    *value = static_cast<int>(locked->most_shared_bytes());
  else
    return noted(cudaErrorInvalidValue);
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  const Locked locked;
  std::memset(properties, 0, sizeof(*properties));
  std::strcpy(properties->name, "PTX on the CPU");
  properties->major = locked->device().capability / 10;
  properties->minor = locked->device().capability % 10;
  properties->totalGlobalMem = locked->device().memory;
  properties->multiProcessorCount = 1;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() {
  const cudaError_t last = backdrop::ptx::take_last_error();
  const Locked locked;
  return locked->error() != cudaSuccess ? locked->error() : last;
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "a kernel or copy did what it may not"
                                          : "an error of the PTX runtime";
}

}  // extern "C"
