// The functions of CUDA's runtime that start kernels, and those that nvcc's objects call to do so.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "tests/ptx/gpu.h"

namespace backdrop::ptx {
namespace {

// What a program registers: where a module begins.
struct FatWrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const FatHeader* data;
};

struct Configuration {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

constexpr std::uint32_t kMostBlocks = 0x7fffffff;

// Of kernels about to be launched.
thread_local std::vector<Configuration> configurations;

// Whether there can be clusters of so many blocks, of this kernel on this device.
bool can_cluster(const Kernel& kernel, std::uint32_t cluster, std::uint32_t blocks, int capability) {
  if (cluster != 1 && cluster != 2 && cluster != 4) return false;
  if (kernel.cluster != 0 && kernel.cluster != cluster) return false;
  return blocks % cluster == 0 && (cluster == 1 || capability >= 90);
}

// `cluster` is 0 where the launch says nothing of it.
cudaError_t launch(const void* host, const Configuration& configuration, std::uint32_t cluster,
                   void** arguments) {
  const auto& [grid, block, shared_bytes, stream] = configuration;
  const Locked locked;
  const Function* function = locked->function(host);
  if (function == nullptr) return cudaErrorInvalidDeviceFunction;
  try {
    const Kernel& kernel = locked->kernel(*function);
    if (grid.x == 0 || grid.x > kMostBlocks || block.x == 0 || grid.y * grid.z * block.y * block.z != 1 ||
        static_cast<int>(block.x) > kernel.most_threads || shared_bytes > function->launched_bytes ||
        kernel.shared_bytes + shared_bytes > locked->most_shared_bytes())
      return cudaErrorInvalidConfiguration;
    if (cluster == 0) cluster = std::max(1u, kernel.cluster);
    if (!can_cluster(kernel, cluster, grid.x, locked->device().capability))
      return cudaErrorInvalidClusterSize;
    Launch launch{&kernel, grid.x, block.x, shared_bytes, {}, 0, cluster};
    launch.parameters.resize(kernel.parameter_bytes);
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i)
      std::memcpy(launch.parameters.data() + kernel.parameters[i].offset, arguments[i],
                  kernel.parameters[i].bytes);
    note_launch(locked->stream(stream), *function, shared_bytes);
    locked->give(locked->stream(stream), [launch] { gpu().launch(launch); });
  } catch (const Fault& fault) {
    locked->note_fault(fault.what());
  }
  return locked->error();
}

}  // namespace
}  // namespace backdrop::ptx

using backdrop::ptx::Locked;
using backdrop::ptx::noted;

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
  backdrop::ptx::configurations.push_back({grid, block, shared_bytes, stream});
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared_bytes, void* stream) {
  const backdrop::ptx::Configuration configuration = backdrop::ptx::configurations.back();
  backdrop::ptx::configurations.pop_back();
  *grid = configuration.grid;
  *block = configuration.block;
  *shared_bytes = configuration.shared_bytes;
  *static_cast<cudaStream_t*>(stream) = configuration.stream;
  return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void* host, dim3 grid, dim3 block, void** arguments,
                             std::size_t shared_bytes, cudaStream_t stream) {
  return noted(backdrop::ptx::launch(host, {grid, block, shared_bytes, stream}, 0, arguments));
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                               std::size_t shared_bytes, cudaStream_t stream) {
  return cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, stream);
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* host, void** arguments) {
  std::uint32_t cluster = 0;
  for (const cudaLaunchAttribute& attribute : std::span(config->attrs, config->numAttrs)) {
    if (attribute.id == cudaLaunchAttributeIgnore) continue;
    if (attribute.id != cudaLaunchAttributeClusterDimension) return noted(cudaErrorNotSupported);
    const auto& size = attribute.val.clusterDim;
    if (size.x == 0 || size.y != 1 || size.z != 1) return noted(cudaErrorInvalidClusterSize);
    cluster = size.x;
  }
  return noted(backdrop::ptx::launch(
      host, {config->gridDim, config->blockDim, config->dynamicSmemBytes, config->stream}, cluster,
      arguments));
}
cudaError_t cudaFuncSetAttribute(const void* host, cudaFuncAttribute attribute, int value) {
  const Locked locked;
  backdrop::ptx::Function* function = locked->function(host);
  if (function == nullptr) return noted(cudaErrorInvalidDeviceFunction);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize ||
      static_cast<std::size_t>(value) > locked->most_shared_bytes())
    return noted(cudaErrorInvalidValue);
  function->launched_bytes = static_cast<std::size_t>(value);
  return cudaSuccess;
}

}  // extern "C"
