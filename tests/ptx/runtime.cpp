#include "tests/ptx/runtime.h"

#include <cuda_profiler_api.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string_view>
#include <utility>

#include "tests/ptx/machine.h"

namespace backdrop::ptx {
namespace {

// The parts of a module that we read, as nvcc lays it out where nothing is compressed.
struct FatHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t bytes;  // behind this header
};

struct FatEntry {
  std::uint16_t kind;
  std::uint16_t version;
  std::uint32_t header_bytes;
  std::uint64_t bytes;  // behind this header
  std::uint32_t unused[3];
  std::uint32_t architecture;
};

struct FatWrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const FatHeader* data;
};

constexpr std::uint32_t kFatMagic = 0xba55ed50;
constexpr std::uint16_t kPtxKind = 1;

struct Module {
  const FatHeader* data = nullptr;
  std::map<int, std::vector<Kernel>> kernels;  // by compute capability, read when first wanted
};

struct Function {
  Module* module = nullptr;
  std::string name;
  std::size_t launched_bytes = std::size_t{48} << 10;  // of shared memory, at most
};

using Work = std::function<void()>;

struct Stream {
  std::deque<Work> work;
  std::uint64_t given = 0;
  std::uint64_t done = 0;
};

struct Event {
  Stream* stream = nullptr;
  std::uint64_t place = 0;  // done when the stream has done so much
  std::int64_t time = 0;
};

using Graph = std::vector<Work>;

// What a thread gives to a stream while it captures it.
struct Capture {
  Stream* stream = nullptr;
  Graph graph;
  bool is_spoilt = false;
};

thread_local std::optional<Capture> capture;

// For calls that wait, or touch what captured kernels use, or that a graph of ours does not know.
bool spoils_capture() {
  if (capture) capture->is_spoilt = true;
  return capture.has_value();
}

struct Configuration {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

class Runtime {
 public:
  void use(const Device& device) {
    device_ = device;
    memory_ = std::make_unique<DeviceMemory>(device.memory);
    generator_.seed(device.seed);
    error_ = cudaSuccess;
    for (const auto& module : modules_) module->kernels.clear();
  }

  const Device& device() const { return device_; }
  DeviceMemory& memory() { return *memory_; }
  std::recursive_mutex& mutex() { return mutex_; }

  Stream& stream(cudaStream_t handle) {
    return handle == nullptr ? default_stream_ : *reinterpret_cast<Stream*>(handle);
  }
  cudaStream_t make_stream() {
    streams_.push_back(std::make_unique<Stream>());
    return reinterpret_cast<cudaStream_t>(streams_.back().get());
  }
  void destroy(cudaStream_t handle) {
    finish(stream(handle));
    std::erase_if(streams_, [&](const auto& one) { return one.get() == &stream(handle); });
  }

  void give(Stream& stream, Work work) {
    if (capture && capture->stream == &stream) {
      capture->graph.push_back(std::move(work));
      return;
    }
    stream.work.push_back(std::move(work));
    ++stream.given;
    if (device_.timing == Timing::at_once) finish(stream);
    if (device_.timing != Timing::random) return;
    for (int tries = static_cast<int>(generator_() % 4); tries > 0; --tries) {
      const std::size_t which = generator_() % (streams_.size() + 1);
      Stream& chosen = which == streams_.size() ? default_stream_ : *streams_[which];
      advance(chosen, std::min(chosen.given, chosen.done + generator_() % 3));
    }
  }

  void advance(Stream& stream, std::uint64_t place) {
    while (stream.done < place && !stream.work.empty()) {
      const Work work = std::move(stream.work.front());
      stream.work.pop_front();
      try {
        if (error_ == cudaSuccess) work();
      } catch (const Fault& fault) {
        faults_.push_back(fault.what());
        error_ = cudaErrorIllegalAddress;
      }
      ++stream.done;
    }
  }
  void finish(Stream& stream) { advance(stream, stream.given); }
  void finish_all() {
    finish(default_stream_);
    for (const auto& stream : streams_) finish(*stream);
  }

  // What went wrong stays: the device must be made anew.
  cudaError_t error() const { return error_; }
  void note_fault(const std::string& what) {
    faults_.push_back(what);
    error_ = cudaErrorIllegalAddress;
  }
  std::vector<std::string> take_faults() {
    error_ = cudaSuccess;
    return std::exchange(faults_, {});
  }

  Module* add_module(const FatHeader* data) {
    modules_.push_back(std::make_unique<Module>());
    modules_.back()->data = data;
    return modules_.back().get();
  }
  void add_function(const void* host, Module* module, const char* name) { functions_[host] = {module, name}; }
  Function* function(const void* host) {
    const auto found = functions_.find(host);
    return found == functions_.end() ? nullptr : &found->second;
  }

  const Kernel& kernel(const Function& function) {
    auto& kernels = function.module->kernels[device_.capability];
    if (kernels.empty()) {
      kernels = parse(text(*function.module->data));
      if (!device_.without.empty())
        for (Kernel& kernel : kernels) leave_out(kernel);
    }
    for (const Kernel& kernel : kernels)
      if (kernel.name == function.name) return *(last_kernel_ = &kernel);
    throw Fault("the module has no kernel " + function.name);
  }

  int count_in_last_kernel(const std::string& name) const {
    return static_cast<int>(
        std::count_if(last_kernel_->code.begin(), last_kernel_->code.end(),
                      [&](const Instruction& instruction) { return instruction.name.starts_with(name); }));
  }

  std::size_t most_shared_bytes() const {
    const int kilobytes = device_.capability == 80 ? 163 : 227;
    return static_cast<std::size_t>(kilobytes) << 10;
  }

  void launch(const Launch& launch) {
    Launch numbered = launch;
    numbered.number = ++launches_;
    const std::int64_t instructions = run(numbered, multiprocessor_, memory(), generator_);
    clock_ += device_.counts_launches ? 1 : instructions;
  }
  std::int64_t clock() const { return clock_; }

  void launch(const Graph& graph, Stream& stream) {
    ++graph_launches_;
    for (const Work& work : graph) give(stream, work);
  }
  int take_graph_launches() { return std::exchange(graph_launches_, 0); }

  std::vector<Configuration> configurations;
  std::set<void*> events;
  std::map<const std::byte*, std::size_t> pinned;

  bool is_pinned(const void* data) const {
    const auto* at = static_cast<const std::byte*>(data);
    const auto after = pinned.upper_bound(at);
    return after != pinned.begin() && at < std::prev(after)->first + std::prev(after)->second;
  }

 private:
  void leave_out(Kernel& kernel) const {
    int count = 0;
    for (Instruction& instruction : kernel.code)
      if (instruction.name.starts_with(device_.without) && count++ == device_.occurrence) {
        instruction.flow = Flow::next;
        instruction.action = [](Warp&, const Instruction&, std::uint32_t) {};
      }
  }

  // The PTX of the highest architecture that the device has.
  std::string_view text(const FatHeader& header) const {
    if (header.magic != kFatMagic) throw Fault("a module of an unknown format");
    const auto* at = reinterpret_cast<const std::byte*>(&header) + header.header_bytes;
    const std::byte* end = at + header.bytes;
    std::string_view best;
    std::uint32_t highest = 0;
    while (at < end) {
      const auto& entry = *reinterpret_cast<const FatEntry*>(at);
      const auto* content = reinterpret_cast<const char*>(at + entry.header_bytes);
      if (entry.kind == kPtxKind && entry.architecture > highest &&
          static_cast<int>(entry.architecture) <= device_.capability) {
        highest = entry.architecture;
        best = std::string_view(content, strnlen(content, entry.bytes));
      }
      at += entry.header_bytes + entry.bytes;
    }
    if (highest == 0) throw Fault("a module without PTX for this device");
    return best;
  }

  Device device_;
  std::unique_ptr<DeviceMemory> memory_ = std::make_unique<DeviceMemory>(device_.memory);
  Multiprocessor multiprocessor_;
  std::mt19937 generator_;
  std::recursive_mutex mutex_;
  Stream default_stream_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Module>> modules_;
  std::map<const void*, Function> functions_;
  std::vector<std::string> faults_;
  cudaError_t error_ = cudaSuccess;
  const Kernel* last_kernel_ = nullptr;
  std::uint32_t launches_ = 0;
  int graph_launches_ = 0;
  std::int64_t clock_ = 0;  // instructions of warps, or launches
};

// Made at first use: modules register themselves before main.
Runtime& runtime() {
  static Runtime runtime;
  return runtime;
}

// The runtime, for as long as a call lasts.
struct Locked {
  std::lock_guard<std::recursive_mutex> lock{runtime().mutex()};
  Runtime* operator->() const { return &runtime(); }
};

Event& event_of(cudaEvent_t event) {
  return *reinterpret_cast<Event*>(event);
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, Stream& stream,
                 bool waits) {
  const Locked locked;
  if (kind == cudaMemcpyHostToDevice) {
    // Ordinary memory is copied aside before the call returns; pinned memory is read when its turn comes.
    auto aside = std::make_shared<std::vector<std::byte>>();
    if (!locked->is_pinned(from)) {
      const auto* bytes_from = static_cast<const std::byte*>(from);
      aside->assign(bytes_from, bytes_from + bytes);
    }
    locked->give(stream, [=] {
      runtime().memory().note_host_write(to, bytes);
      if (bytes > 0) std::memcpy(to, aside->empty() ? from : aside->data(), bytes);
    });
  } else if (kind == cudaMemcpyDeviceToHost) {
    locked->give(stream, [=] {
      runtime().memory().check_host_read(from, bytes);
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
    runtime().memory().note_host_write(to, bytes);
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

int take_graph_launches() {
  const Locked locked;
  return locked->take_graph_launches();
}

std::vector<std::string> take_faults() {
  const Locked locked;
  return locked->take_faults();
}

}  // namespace backdrop::ptx

using backdrop::ptx::Locked;
using backdrop::ptx::runtime;

extern "C" {

void** __cudaRegisterFatBinary(void* wrapper) {
  const Locked locked;
  return reinterpret_cast<void**>(
      locked->add_module(static_cast<const backdrop::ptx::FatWrapper*>(wrapper)->data));
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) {
  return 1;
}
void __cudaRegisterFunction(void** module, const char* host, char*, const char* name, int, uint3*, uint3*,
                            dim3*, dim3*, int*) {
  const Locked locked;
  locked->add_function(host, reinterpret_cast<backdrop::ptx::Module*>(module), name);
}
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host) {
  *kernel = static_cast<cudaKernel_t>(const_cast<void*>(host));
  return cudaSuccess;
}
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared_bytes, CUstream_st* stream) {
  const Locked locked;
  locked->configurations.push_back({grid, block, shared_bytes, stream});
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared_bytes, void* stream) {
  const Locked locked;
  const backdrop::ptx::Configuration configuration = locked->configurations.back();
  locked->configurations.pop_back();
  *grid = configuration.grid;
  *block = configuration.block;
  *shared_bytes = configuration.shared_bytes;
  *static_cast<cudaStream_t*>(stream) = configuration.stream;
  return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void* host, dim3 grid, dim3 block, void** arguments,
                             std::size_t shared_bytes, cudaStream_t stream) {
  const Locked locked;
  const backdrop::ptx::Function* function = locked->function(host);
  if (function == nullptr) return cudaErrorInvalidDeviceFunction;
  try {
    const backdrop::ptx::Kernel& kernel = locked->kernel(*function);
    if (grid.x == 0 || block.x == 0 || grid.y * grid.z * block.y * block.z != 1 ||
        static_cast<int>(block.x) > kernel.most_threads || shared_bytes > function->launched_bytes ||
        kernel.shared_bytes + shared_bytes > locked->most_shared_bytes())
      return cudaErrorInvalidConfiguration;
    backdrop::ptx::Launch launch{&kernel, grid.x, block.x, shared_bytes, {}, 0};
    launch.parameters.resize(kernel.parameter_bytes);
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i)
      std::memcpy(launch.parameters.data() + kernel.parameters[i].offset, arguments[i],
                  kernel.parameters[i].bytes);
    locked->give(locked->stream(stream), [launch] { runtime().launch(launch); });
  } catch (const backdrop::ptx::Fault& fault) {
    locked->note_fault(fault.what());
  }
  return locked->error();
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                               std::size_t shared_bytes, cudaStream_t stream) {
  return cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, stream);
}
cudaError_t cudaFuncSetAttribute(const void* host, cudaFuncAttribute attribute, int value) {
  const Locked locked;
  backdrop::ptx::Function* function = locked->function(host);
  if (function == nullptr) return cudaErrorInvalidDeviceFunction;
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize ||
      static_cast<std::size_t>(value) > locked->most_shared_bytes())
    return cudaErrorInvalidValue;
  function->launched_bytes = static_cast<std::size_t>(value);
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (backdrop::ptx::spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  const Locked locked;
  *data = locked->memory().allocate(bytes);
  return *data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  if (backdrop::ptx::spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  const Locked locked;
  locked->finish_all();  // as the device does
  return locked->memory().free(data) ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned int) {
  const Locked locked;
  auto* memory = new std::byte[bytes];
  std::memset(memory, 0xff, bytes);
  locked->pinned[memory] = bytes;
  *data = memory;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  const Locked locked;
  locked->finish_all();
  locked->pinned.erase(static_cast<const std::byte*>(data));
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
  return backdrop::ptx::copy(to, from, bytes, kind, runtime().stream(nullptr), true);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return backdrop::ptx::copy(to, from, bytes, kind, runtime().stream(stream), false);
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  return backdrop::ptx::fill(to, value, bytes, runtime().stream(nullptr), true);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return backdrop::ptx::fill(to, value, bytes, runtime().stream(stream), false);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  // Streams that wait for the default stream are not known.
  if (flags != cudaStreamNonBlocking) return cudaErrorNotSupported;
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
  if (backdrop::ptx::spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  const Locked locked;
  locked->finish(locked->stream(stream));
  return locked->error();
}
cudaError_t cudaDeviceSynchronize() {
  if (backdrop::ptx::spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  const Locked locked;
  locked->finish_all();
  return locked->error();
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  if (backdrop::ptx::spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  const Locked locked;
  const backdrop::ptx::Event waited_for = backdrop::ptx::event_of(event);
  if (waited_for.stream != nullptr)
    locked->give(locked->stream(stream),
                 [waited_for] { runtime().advance(*waited_for.stream, waited_for.place); });
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  *event = reinterpret_cast<cudaEvent_t>(new backdrop::ptx::Event);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Locked locked;
  locked->finish_all();
  delete &backdrop::ptx::event_of(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  if (backdrop::ptx::spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  const Locked locked;
  backdrop::ptx::Stream& stream = locked->stream(handle);
  backdrop::ptx::Event& recorded = backdrop::ptx::event_of(event);
  recorded.stream = &stream;
  recorded.place = stream.given + 1;
  locked->give(stream, [&recorded] { recorded.time = runtime().clock(); });
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (backdrop::ptx::spoils_capture()) return cudaErrorStreamCaptureUnsupported;
  const Locked locked;
  const backdrop::ptx::Event& waited_for = backdrop::ptx::event_of(event);
  if (waited_for.stream != nullptr) locked->advance(*waited_for.stream, waited_for.place);
  return locked->error();
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const Locked locked;
  *milliseconds =
      static_cast<float>(backdrop::ptx::event_of(end).time - backdrop::ptx::event_of(start).time) * 1e-6f;
  return locked->error();
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  // Other modes, which hold up other threads, are not known.
  if (mode != cudaStreamCaptureModeThreadLocal || backdrop::ptx::capture)
    return cudaErrorStreamCaptureUnsupported;
  backdrop::ptx::capture.emplace().stream = &Locked()->stream(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  *graph = nullptr;
  if (!backdrop::ptx::capture) return cudaErrorIllegalState;
  backdrop::ptx::Capture ended = *std::exchange(backdrop::ptx::capture, std::nullopt);
  if (ended.is_spoilt) return cudaErrorStreamCaptureInvalidated;
  *graph = reinterpret_cast<cudaGraph_t>(new backdrop::ptx::Graph(std::move(ended.graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const auto& captured = *reinterpret_cast<const backdrop::ptx::Graph*>(graph);
  *executable = reinterpret_cast<cudaGraphExec_t>(new backdrop::ptx::Graph(captured));
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Locked locked;
  locked->launch(*reinterpret_cast<const backdrop::ptx::Graph*>(executable), locked->stream(stream));
  return locked->error();
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
  return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const Locked locked;
  if (attribute == cudaDevAttrComputeCapabilityMajor)
    *value = locked->device().capability / 10;
  else if (attribute == cudaDevAttrComputeCapabilityMinor)
    *value = locked->device().capability % 10;
  else
    return cudaErrorInvalidValue;
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
  const Locked locked;
  return locked->error();
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "a kernel or copy did what it may not"
                                          : "an error of the PTX runtime";
}

}  // extern "C"
