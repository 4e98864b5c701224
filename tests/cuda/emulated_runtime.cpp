// The emulated runtime: several GPUs whose memory is the host's. Each block of memory, stream and event knows
// the GPU it was made on, and each thread has one of its own as the current one.
#include "tests/cuda/emulated_runtime.h"

#include <cuda_profiler_api.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "tests/cuda/emulated_cuda.h"

namespace backdrop::test {
namespace {

constexpr int kMostDevices = 8;

struct Device {
  std::size_t in_use = 0;
  int quarter_milliseconds = 0;
  int kernels_left = -1;  // until the GPU fails; -1: it never does
  int composites = 0;     // decided since the profiler's calls were taken
};

struct Block {
  std::size_t bytes = 0;
  int device = 0;
};

struct Stream {
  int device = 0;
};

struct Event {
  int device = 0;
  bool has_time = false;
  bool is_recorded = false;
  int quarter_milliseconds = 0;
};

std::mutex mutex;  // of what follows
Device devices[kMostDevices];
std::map<std::uintptr_t, Block> blocks;  // by the first byte
int device_count = 1;
int capability = 90;
std::size_t limit = std::size_t{1} << 30;
std::vector<std::string> profiler_calls;

std::atomic<int> misplaced = 0;
std::atomic<int> timings = 0;

thread_local int current = 0;
thread_local cudaError_t last_error = cudaSuccess;

Stream* stream_of(cudaStream_t stream) {
  return reinterpret_cast<Stream*>(stream);
}

Event* event_of(cudaEvent_t event) {
  return reinterpret_cast<Event*>(event);
}

// With the mutex held: whether an address may be used on the current GPU. The host's own are not known here.
bool may_touch(std::uintptr_t address) {
  auto block = blocks.upper_bound(address);
  if (block == blocks.begin()) return true;
  --block;
  return address >= block->first + block->second.bytes || block->second.device == current;
}

cudaError_t check_copy(const void* to, const void* from, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  const bool here = may_touch(reinterpret_cast<std::uintptr_t>(to)) &&
                    may_touch(reinterpret_cast<std::uintptr_t>(from)) && is_here(stream);
  return here ? cudaSuccess : note_misplaced();
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  // CUDA's manual does not say that there may be no address where there is nothing to copy.
  if (to == nullptr || from == nullptr) return cudaErrorInvalidValue;
  if (const cudaError_t status = check_copy(to, from, stream); status != cudaSuccess) return status;
  return enqueue(stream, [=] {
    std::memcpy(to, from, bytes);
    return cudaSuccess;
  });
}

cudaError_t set(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  if (const cudaError_t status = check_copy(to, to, stream); status != cudaSuccess) return status;
  return enqueue(stream, [=] {
    std::memset(to, value, bytes);
    return cudaSuccess;
  });
}

cudaError_t check_launch(std::span<const std::uintptr_t> words, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  bool here = is_here(stream);
  for (const std::uintptr_t word : words) here = here && may_touch(word);
  return here ? cudaSuccess : note_misplaced();
}

// Whether this thread's GPU still works.
bool starts_kernel() {
  const std::lock_guard lock(mutex);
  int& left = devices[current].kernels_left;
  if (left == 0) return false;
  if (left > 0) --left;
  return true;
}

void note_profiler_call(const char* what) {
  const std::lock_guard lock(mutex);
  profiler_calls.push_back("GPU " + std::to_string(current) + ": " + what + " " +
                           std::to_string(devices[current].composites));
}

}  // namespace

void limit_device_memory(std::size_t bytes) {
  const std::lock_guard lock(mutex);
  limit = bytes;
}

std::size_t device_memory_in_use() {
  const std::lock_guard lock(mutex);
  std::size_t bytes = 0;
  for (const Device& device : devices) bytes += device.in_use;
  return bytes;
}

void show_devices(int count, int compute_capability) {
  const std::lock_guard lock(mutex);
  device_count = count;
  capability = compute_capability;
  current = 0;
}

void break_device(int index, int kernels) {
  const std::lock_guard lock(mutex);
  devices[index].kernels_left = kernels;
}

int device_milliseconds(int index) {
  const std::lock_guard lock(mutex);
  return devices[index].quarter_milliseconds / 4;
}

int misplaced_calls() {
  return misplaced;
}

int take_timings() {
  return timings.exchange(0);
}

std::vector<std::string> take_profiler_calls() {
  const std::lock_guard lock(mutex);
  for (Device& device : devices) device.composites = 0;
  return std::exchange(profiler_calls, {});
}

void pass_time(int convolutions) {
  pass_quarter_milliseconds(4 * convolutions);
}

std::size_t memory_limit() {
  const std::lock_guard lock(mutex);
  return limit;
}

int compute_capability() {
  const std::lock_guard lock(mutex);
  return capability;
}

void pass_quarter_milliseconds(int count) {
  const std::lock_guard lock(mutex);
  devices[current].quarter_milliseconds += count;
}

void count_composites(int count) {
  const std::lock_guard lock(mutex);
  devices[current].composites += count;
}

void count_timing() {
  ++timings;
}

bool is_here(cudaStream_t stream) {
  return stream == nullptr || stream_of(stream)->device == current;
}

cudaError_t note_misplaced() {
  ++misplaced;
  return cudaErrorInvalidValue;
}

cudaError_t noted(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

cudaError_t launch(std::span<const std::uintptr_t> words, cudaStream_t stream, std::function<void()> kernel) {
  // What starts a kernel asks for the last error, which may be another call's.
  if (last_error != cudaSuccess) return last_error;
  if (const cudaError_t status = check_launch(words, stream); status != cudaSuccess) return noted(status);
  return noted(enqueue(stream, [kernel = std::move(kernel)] {
    if (!starts_kernel()) return cudaErrorLaunchFailure;
    kernel();
    return cudaSuccess;
  }));
}

}  // namespace backdrop::test

namespace test = backdrop::test;

extern "C" {

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (const cudaError_t status = test::refuse_in_capture(); status != cudaSuccess) return test::noted(status);
  const std::lock_guard lock(test::mutex);
  test::Device& device = test::devices[test::current];
  if (device.in_use + bytes > test::limit) return test::noted(cudaErrorMemoryAllocation);
  // At least one byte more: where an empty list would follow, no other block begins.
  *data = std::aligned_alloc(256, (bytes / 256 + 1) * 256);
  std::memset(*data, 0xff, bytes);  // not numbers
  device.in_use += bytes;
  test::blocks[reinterpret_cast<std::uintptr_t>(*data)] = {bytes, test::current};
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  const std::lock_guard lock(test::mutex);
  const auto block = test::blocks.find(reinterpret_cast<std::uintptr_t>(data));
  const auto [bytes, device] = block->second;
  test::devices[device].in_use -= bytes;
  test::blocks.erase(block);
  std::free(data);
  return test::noted(device == test::current ? test::refuse_in_capture() : test::note_misplaced());
}
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned int) {
  if (const cudaError_t status = test::refuse_in_capture(); status != cudaSuccess) return test::noted(status);
  *data = std::malloc(bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  std::free(data);
  return test::noted(test::refuse_in_capture());
}
cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total) {
  const std::lock_guard lock(test::mutex);
  *free_bytes = test::limit - test::devices[test::current].in_use;
  *total = test::limit;
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  if (const cudaError_t status = test::refuse_in_capture(); status != cudaSuccess) return test::noted(status);
  return test::noted(test::copy(to, from, bytes, nullptr));
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  return test::noted(test::copy(to, from, bytes, stream));
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  if (const cudaError_t status = test::refuse_in_capture(); status != cudaSuccess) return test::noted(status);
  return test::noted(test::set(to, value, bytes, nullptr));
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return test::noted(test::set(to, value, bytes, stream));
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  *stream = reinterpret_cast<cudaStream_t>(new test::Stream{test::current});
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard lock(test::mutex);
  const bool here = test::is_here(stream);
  delete test::stream_of(stream);
  return test::noted(here ? cudaSuccess : test::note_misplaced());
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  return test::noted(test::refuse_in_capture());
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned int) {
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  *event =
      reinterpret_cast<cudaEvent_t>(new test::Event{test::current, (flags & cudaEventDisableTiming) == 0});
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard lock(test::mutex);
  const bool here = test::event_of(event)->device == test::current;
  delete test::event_of(event);
  return test::noted(here ? cudaSuccess : test::note_misplaced());
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(test::mutex);
  test::Event& recorded = *test::event_of(event);
  if (recorded.device != test::current || !test::is_here(stream)) return test::noted(test::note_misplaced());
  recorded.is_recorded = true;
  recorded.quarter_milliseconds = test::devices[test::current].quarter_milliseconds;
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
  return test::noted(test::refuse_in_capture());
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  test::count_timing();
  for (const cudaEvent_t event : {start, end})
    if (const test::Event& recorded = *test::event_of(event);
        !recorded.has_time || !recorded.is_recorded || recorded.device != test::current)
      return test::noted(cudaErrorInvalidResourceHandle);
  const int passed = test::event_of(end)->quarter_milliseconds - test::event_of(start)->quarter_milliseconds;
  *milliseconds = 0.25f * static_cast<float>(passed);
  return cudaSuccess;
}
cudaError_t cudaProfilerStart() {
  test::note_profiler_call("start");
  return cudaSuccess;
}
cudaError_t cudaProfilerStop() {
  test::note_profiler_call("stop");
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = test::current;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= test::kMostDevices) return test::noted(cudaErrorInvalidDevice);
  test::current = device;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() {
  return std::exchange(test::last_error, cudaSuccess);
}
const char* cudaGetErrorString(cudaError_t) {
  return "an emulated error";
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  const std::lock_guard lock(test::mutex);
  *count = test::device_count;
  return test::noted(test::device_count > 0 ? cudaSuccess : cudaErrorNoDevice);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::memset(properties, 0, sizeof(*properties));
  std::strcpy(properties->name, "emulated GPU");
  properties->totalGlobalMem = test::memory_limit();
  properties->major = test::compute_capability() / 10;
  properties->minor = test::compute_capability() % 10;
  return cudaSuccess;
}

}  // extern "C"
