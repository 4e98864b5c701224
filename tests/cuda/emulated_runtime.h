/// \file
/// What the emulated kernels ask of the emulated runtime.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstring>
#include <span>

namespace backdrop::test {

/// Of every emulated GPU, times ten.
int compute_capability();

/// Lets time pass on this thread's GPU.
void pass_half_milliseconds(int count);

/// Whether a kernel may start on this thread's GPU. `words` are its arguments.
cudaError_t launch(std::span<const std::uintptr_t> words, cudaStream_t stream);

/// The same for the struct that holds the arguments: every pointer in it is looked at, nested ones too.
template <class Arguments>
cudaError_t launch(const Arguments& arguments, cudaStream_t stream) {
  static_assert(sizeof(Arguments) % sizeof(std::uintptr_t) == 0);
  std::uintptr_t words[sizeof(Arguments) / sizeof(std::uintptr_t)];
  std::memcpy(words, &arguments, sizeof(arguments));
  return launch(std::span<const std::uintptr_t>(words), stream);
}

}  // namespace backdrop::test
