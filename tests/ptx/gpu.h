/// \file
/// The GPU behind the runtime: its memory, the modules whose kernels it runs, its streams and graphs.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/ptx/machine.h"
#include "tests/ptx/runtime.h"

namespace backdrop::ptx {

/// How a module begins.
struct FatHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t bytes;  // behind this header
};

struct Module {
  const FatHeader* data = nullptr;
  std::map<int, std::vector<Kernel>> kernels;  ///< by compute capability, read when first wanted
};

struct Function {
  Module* module = nullptr;
  std::string name;
  std::size_t launched_bytes = std::size_t{48} << 10;  ///< of shared memory, at most
};

using Work = std::function<void()>;

struct Stream {
  std::deque<Work> work;
  std::uint64_t given = 0;
  std::uint64_t done = 0;
};

struct Event {
  bool has_time = false;
  Stream* stream = nullptr;  ///< null: never recorded
  std::uint64_t place = 0;   ///< done when the stream has done so much
  std::int64_t time = 0;

  bool is_done() const { return stream->done >= place; }
};

struct Graph {
  std::vector<Work> work;
  std::vector<std::pair<const Function*, std::size_t>> launches;  ///< and their dynamic shared memory

  /// Whether each function may still be launched with what its launch has.
  bool can_launch() const;
};

/// From here on what this thread gives to the stream is kept for a graph. False if it captures one already.
bool begin_capture(Stream& stream);
/// A launch that this thread gives to the stream next, if it captures it.
void note_launch(const Stream& stream, const Function& function, std::size_t shared_bytes);
/// None if there was no capture, or it was spoilt.
std::optional<Graph> end_capture();
/// For calls that wait, or touch what captured kernels use, or that a graph of ours does not know: whether
/// this thread captures a stream, which it then does in vain.
bool spoils_capture();

/// A call's status. An error stays this thread's last error until somebody takes it.
cudaError_t noted(cudaError_t status);
cudaError_t take_last_error();

/// One thread at a time: whoever holds `mutex`.
class Gpu {
 public:
  void use(const Device& device);
  const Device& device() const { return device_; }
  DeviceMemory& memory() { return *memory_; }
  std::recursive_mutex& mutex() { return mutex_; }

  Module* add_module(const FatHeader* data);
  void add_function(const void* host, Module* module, const char* name) { functions_[host] = {module, name}; }
  /// Null: unknown.
  Function* function(const void* host);
  const Kernel& kernel(const Function& function);
  int count_in_last_kernel(const std::string& name) const;
  std::size_t most_shared_bytes() const;

  Stream& stream(cudaStream_t handle) {
    return handle == nullptr ? default_stream_ : *reinterpret_cast<Stream*>(handle);
  }
  cudaStream_t make_stream();
  void destroy(cudaStream_t handle);

  /// The stream's next work, done when the device's timing says.
  void give(Stream& stream, Work work);
  void give(Stream& stream, const Graph& graph);
  /// Does a stream's work until so much of it is done.
  void advance(Stream& stream, std::uint64_t place);
  void finish(Stream& stream) { advance(stream, stream.given); }
  void finish_all();

  void launch(const Launch& launch);
  void count_traffic(TrafficCounter* counter) { traffic_ = counter; }
  std::int64_t clock() const { return clock_; }
  int take_graph_launches();

  /// What went wrong stays: the device must be made anew.
  cudaError_t error() const { return error_; }
  void note_fault(const std::string& what);
  std::vector<std::string> take_faults();

  /// Memory of the host that streams read and write when it is their turn.
  void pin(const std::byte* data, std::size_t bytes) { pinned_[data] = bytes; }
  void unpin(const std::byte* data) { pinned_.erase(data); }
  bool is_pinned(const void* data) const;

 private:
  void leave_out(Kernel& kernel) const;

  Device device_;
  std::unique_ptr<DeviceMemory> memory_ = std::make_unique<DeviceMemory>(device_.memory);
  Multiprocessor multiprocessor_;
  std::mt19937 generator_;
  std::recursive_mutex mutex_;
  Stream default_stream_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<Module>> modules_;
  std::map<const void*, Function> functions_;
  std::map<const std::byte*, std::size_t> pinned_;
  std::vector<std::string> faults_;
  cudaError_t error_ = cudaSuccess;
  const Kernel* last_kernel_ = nullptr;
  TrafficCounter* traffic_ = nullptr;
  std::uint32_t launches_ = 0;
  int graph_launches_ = 0;
  std::int64_t clock_ = 0;  // instructions of warps, or launches
};

/// The one that there is.
Gpu& gpu();

/// The same, for as long as a call lasts.
struct Locked {
  std::lock_guard<std::recursive_mutex> lock{gpu().mutex()};
  Gpu* operator->() const { return &gpu(); }
};

}  // namespace backdrop::ptx
