#include "tests/ptx/gpu.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace backdrop::ptx {
namespace {

// The other parts of a module that we read, as nvcc lays it out where nothing is compressed.
struct FatEntry {
  std::uint16_t kind;
  std::uint16_t version;
  std::uint32_t header_bytes;
  std::uint64_t bytes;  // behind this header
  std::uint32_t unused[3];
  std::uint32_t architecture;
};

constexpr std::uint32_t kFatMagic = 0xba55ed50;
constexpr std::uint16_t kPtxKind = 1;

// What a thread gives to a stream while it captures it.
struct Capture {
  Stream* stream = nullptr;
  Graph graph;
  bool is_spoilt = false;
};

thread_local std::optional<Capture> capture;
thread_local cudaError_t last_error = cudaSuccess;

// In place of instructions that are left out: what they ask for has happened.
void do_nothing(Warp&, const Instruction&, std::uint32_t) {}

void say_yes(Warp& warp, const Instruction& instruction, std::uint32_t lanes) {
  for_lanes(lanes, [&](int lane) { warp.values(instruction.operands[0])[lane] = 1; });
}

// The PTX of the highest architecture that the device has.
std::string_view text(const FatHeader& header, int capability) {
  if (header.magic != kFatMagic) throw Fault("a module of an unknown format");
  const auto* at = reinterpret_cast<const std::byte*>(&header) + header.header_bytes;
  const std::byte* end = at + header.bytes;
  std::string_view best;
  std::uint32_t highest = 0;
  while (at < end) {
    const auto& entry = *reinterpret_cast<const FatEntry*>(at);
    const auto* content = reinterpret_cast<const char*>(at + entry.header_bytes);
    if (entry.kind == kPtxKind && entry.architecture > highest &&
        static_cast<int>(entry.architecture) <= capability) {
      highest = entry.architecture;
      best = std::string_view(content, strnlen(content, entry.bytes));
    }
    at += entry.header_bytes + entry.bytes;
  }
  if (highest == 0) throw Fault("a module without PTX for this device");
  return best;
}

}  // namespace

bool begin_capture(Stream& stream) {
  if (capture) return false;
  capture.emplace().stream = &stream;
  return true;
}

void note_launch(const Stream& stream, const Function& function, std::size_t shared_bytes) {
  if (capture && capture->stream == &stream) capture->graph.launches.emplace_back(&function, shared_bytes);
}

bool Graph::can_launch() const {
  return std::all_of(launches.begin(), launches.end(),
                     [](const auto& launch) { return launch.second <= launch.first->launched_bytes; });
}

std::optional<Graph> end_capture() {
  std::optional<Capture> ended = std::exchange(capture, std::nullopt);
  if (!ended || ended->is_spoilt) return std::nullopt;
  return std::move(ended->graph);
}

bool spoils_capture() {
  if (capture) capture->is_spoilt = true;
  return capture.has_value();
}

cudaError_t noted(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

cudaError_t take_last_error() {
  return std::exchange(last_error, cudaSuccess);
}

void Gpu::use(const Device& device) {
  device_ = device;
  memory_ = std::make_unique<DeviceMemory>(device.memory);
  generator_.seed(device.seed);
  error_ = last_error = cudaSuccess;
  for (const auto& module : modules_) module->kernels.clear();
}

Module* Gpu::add_module(const FatHeader* data) {
  modules_.push_back(std::make_unique<Module>());
  modules_.back()->data = data;
  return modules_.back().get();
}

Function* Gpu::function(const void* host) {
  const auto found = functions_.find(host);
  return found == functions_.end() ? nullptr : &found->second;
}

const Kernel& Gpu::kernel(const Function& function) {
  auto& kernels = function.module->kernels[device_.capability];
  if (kernels.empty()) {
    kernels = parse(text(*function.module->data, device_.capability));
    if (!device_.without.empty())
      for (Kernel& kernel : kernels) leave_out(kernel);
  }
  for (const Kernel& kernel : kernels)
    if (kernel.name == function.name) return *(last_kernel_ = &kernel);
  throw Fault("the module has no kernel " + function.name);
}

void Gpu::leave_out(Kernel& kernel) const {
  int count = 0;
  for (Instruction& instruction : kernel.code)
    if (instruction.name.starts_with(device_.without) && count++ == device_.occurrence) {
      const bool asks = instruction.flow == Flow::wait && instruction.results == 1;
      instruction.flow = Flow::next;
      instruction.action = asks ? say_yes : do_nothing;
    }
}

int Gpu::count_in_last_kernel(const std::string& name) const {
  return static_cast<int>(
      std::count_if(last_kernel_->code.begin(), last_kernel_->code.end(),
                    [&](const Instruction& instruction) { return instruction.name.starts_with(name); }));
}

std::size_t Gpu::most_shared_bytes() const {
  const int kilobytes = device_.capability == 80 ? 163 : 227;
  return static_cast<std::size_t>(kilobytes) << 10;
}

cudaStream_t Gpu::make_stream() {
  streams_.push_back(std::make_unique<Stream>());
  return reinterpret_cast<cudaStream_t>(streams_.back().get());
}

void Gpu::destroy(cudaStream_t handle) {
  finish(stream(handle));
  std::erase_if(streams_, [&](const auto& one) { return one.get() == &stream(handle); });
}

void Gpu::give(Stream& stream, Work work) {
  if (capture && capture->stream == &stream) {
    capture->graph.work.push_back(std::move(work));
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

void Gpu::give(Stream& stream, const Graph& graph) {
  ++graph_launches_;
  for (const Work& work : graph.work) give(stream, work);
}

void Gpu::advance(Stream& stream, std::uint64_t place) {
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

void Gpu::finish_all() {
  finish(default_stream_);
  for (const auto& stream : streams_) finish(*stream);
}

void Gpu::launch(const Launch& launch) {
  Launch numbered = launch;
  numbered.number = ++launches_;
  numbered.traffic = traffic_;
  const std::int64_t instructions = run(numbered, multiprocessor_, memory(), generator_);
  clock_ += device_.counts_launches ? 1 : instructions;
}

int Gpu::take_graph_launches() {
  return std::exchange(graph_launches_, 0);
}

void Gpu::note_fault(const std::string& what) {
  faults_.push_back(what);
  error_ = cudaErrorIllegalAddress;
}

std::vector<std::string> Gpu::take_faults() {
  error_ = last_error = cudaSuccess;
  return std::exchange(faults_, {});
}

bool Gpu::is_pinned(const void* data) const {
  const auto* at = static_cast<const std::byte*>(data);
  const auto after = pinned_.upper_bound(at);
  return after != pinned_.begin() && at < std::prev(after)->first + std::prev(after)->second;
}

// Made at first use: modules register themselves before main.
Gpu& gpu() {
  static Gpu gpu;
  return gpu;
}

}  // namespace backdrop::ptx
