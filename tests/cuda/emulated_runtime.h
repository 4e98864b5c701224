/// \file
/// What the parts of the emulated runtime ask of each other.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>

namespace backdrop::test {

/// Of every emulated GPU, times ten.
int compute_capability();

/// Of each, in bytes.
std::size_t memory_limit();

/// Lets time pass on this thread's GPU.
void pass_quarter_milliseconds(int count);
/// Composites decided on this thread's GPU.
void count_composites(int count);
/// Something was timed.
void count_timing();

/// Whether a stream is of this thread's GPU; the default stream is of each.
bool is_here(cudaStream_t stream);
/// Counts a call with something of another GPU, and is its error.
cudaError_t note_misplaced();

/// A call's status. An error stays this thread's last one until cudaGetLastError; no kernel starts before.
cudaError_t noted(cudaError_t status);

/// Does `work` at once, or whenever the graph is launched for which this thread captures the stream.
cudaError_t enqueue(cudaStream_t stream, std::function<cudaError_t()> work);
/// What waits for a stream, or touches what its kernels use: an error that spoils this thread's capture.
cudaError_t refuse_in_capture();

/// Starts a kernel, or says why it cannot. `words` are its arguments.
cudaError_t launch(std::span<const std::uintptr_t> words, cudaStream_t stream, std::function<void()> kernel);

/// The same for the struct that holds the arguments: every pointer in it is looked at, nested ones too.
template <class Arguments>
cudaError_t launch(const Arguments& arguments, cudaStream_t stream, std::function<void()> kernel) {
  static_assert(sizeof(Arguments) % sizeof(std::uintptr_t) == 0);
  Arguments copy = arguments;
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(&copy);  // what lies beside a number there may make it look like a pointer
#endif
  std::uintptr_t words[sizeof(Arguments) / sizeof(std::uintptr_t)];
  std::memcpy(words, &copy, sizeof(copy));
  return launch(std::span<const std::uintptr_t>(words), stream, std::move(kernel));
}

}  // namespace backdrop::test
