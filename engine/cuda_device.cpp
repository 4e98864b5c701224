#include "engine/cuda_device.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "backdrop/error.h"
#include "engine/cuda_check.h"
#include "engine/device_list.h"

namespace backdrop {
namespace {

constexpr int kLeastMajor = 8;  // cp.async, bfloat16 and TensorFloat-32

[[noreturn]] void refuse(const std::string& reason) {
  cudaGetLastError();
  throw Error(ErrorCode::no_device, "CUDA: " + reason + ": use --device cpu");
}

std::string version(int number) {
  return fmt::format("{}.{}", number / 1000, number % 1000 / 10);
}

// Counts the GPUs; returns why there is none, or nothing.
std::string count_gpus(int& count) {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    return "no NVIDIA driver is installed on this machine";
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver)
    return fmt::format("the NVIDIA driver supports CUDA {}, older than the {} that this build needs",
                       version(driver), version(CUDART_VERSION));
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0))
    return "there is no NVIDIA GPU in this machine, or none is visible to this process";
  if (status != cudaSuccess) return fmt::format("the GPUs cannot be listed: {}", cudaGetErrorString(status));
  return {};
}

// Looks at GPU `index` without opening it; returns why it cannot be used, or nothing.
std::string look_at(int index, CudaDevice& device) {
  cudaDeviceProp properties;
  const cudaError_t status = cudaGetDeviceProperties(&properties, index);
  if (status != cudaSuccess) return fmt::format("GPU {}: {}", index, cudaGetErrorString(status));
  device = {index,
            properties.name,
            properties.major,
            properties.minor,
            properties.multiProcessorCount,
            properties.totalGlobalMem,
            0};
  if (device.major < kLeastMajor)
    return fmt::format("GPU {} ({}) has compute capability {}, and 8.0 is needed", index, device.name,
                       device.capability());
  return {};
}

DeviceDescription describe_gpu(int index) {
  CudaDevice device;
  DeviceDescription gpu{.device = fmt::format("cuda:{}", index), .trouble = look_at(index, device)};
  gpu.name = device.name;
  if (device.major > 0) gpu.compute_capability = device.capability();
  gpu.memory = device.memory;
  if (gpu.trouble.empty())
    for (const Precision precision : kPrecisions)
      if (device.takes(precision)) gpu.precisions.emplace_back(name(precision));
  return gpu;
}

}  // namespace

int count_cuda_devices() {
  int count = 0;
  if (const std::string reason = count_gpus(count); !reason.empty()) refuse(reason);
  return count;
}

std::vector<DeviceDescription> describe_gpus() {
  int count = 0;
  const std::string reason = count_gpus(count);
  std::vector<DeviceDescription> gpus;
  if (!reason.empty())
    gpus.push_back({.device = "cuda", .trouble = reason});
  else
    for (int index = 0; index < count; ++index) gpus.push_back(describe_gpu(index));
  cudaGetLastError();  // what failed is told, and not the next call's error
  return gpus;
}

CudaDevice open_cuda_device(int index) {
  const int count = count_cuda_devices();
  if (index < 0 || index >= count)
    refuse(fmt::format("there is no GPU {} among the {} of this machine (0 is the first)", index, count));
  CudaDevice device;
  if (const std::string reason = look_at(index, device); !reason.empty()) refuse(reason);
  std::size_t total = 0;
  cudaError_t status = cudaSetDevice(index);
  if (status == cudaSuccess) status = cudaMemGetInfo(&device.free_bytes, &total);
  if (status == cudaErrorMemoryAllocation)
    refuse(fmt::format("GPU {} ({}) has no memory left: another process holds it", index, device.name));
  if (status == cudaErrorDevicesUnavailable)
    refuse(fmt::format("GPU {} ({}) is busy or in exclusive use by another process", index, device.name));
  if (status != cudaSuccess)
    refuse(fmt::format("GPU {} ({}): {}", index, device.name, cudaGetErrorString(status)));
  return device;
}

std::string describe_machine(const CudaDevice& device) {
  int driver = 0;
  int runtime = 0;
  check_cuda(cudaDriverGetVersion(&driver), "asking for the driver's version");
  check_cuda(cudaRuntimeGetVersion(&runtime), "asking for the runtime's version");
  return fmt::format("{}, compute capability {}.{}, {} multiprocessors, driver {}, runtime {}", device.name,
                     device.major, device.minor, device.multiprocessors, driver, runtime);
}

}  // namespace backdrop
