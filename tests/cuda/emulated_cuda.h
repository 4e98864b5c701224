/// \file
/// A CUDA runtime on the CPU, just wide enough for the GPU engine: memory is host memory, streams do
/// everything at once, kernels run through tests/cuda/emulated_tile.h. With it the engine's own logic is
/// tested where there is no GPU; what it cannot show is anything about concurrency, speed or the hardware.
#pragma once

#include <cstddef>

namespace backdrop::test {

/// Device memory that may be taken; what is in use now.
void limit_device_memory(std::size_t bytes);
std::size_t device_memory_in_use();

/// Whether cudaGetDeviceCount finds the emulated GPU, and its compute capability, times ten.
void show_device(bool present, int capability = 90);

/// Whether the device has the shared memory for the bottleneck kernel. Emulated time is the number of
/// convolutions started, so that what is fused is the faster.
void allow_bottlenecks(bool allowed);

}  // namespace backdrop::test
