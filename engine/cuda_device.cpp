#include "engine/cuda_device.h"

#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "backdrop/error.h"
#include "engine/cuda_memory.h"

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

}  // namespace

int count_cuda_devices() {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    refuse("no NVIDIA driver is installed on this machine");
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver)
    refuse(fmt::format("the NVIDIA driver supports CUDA {}, older than the {} that this build needs",
                       version(driver), version(CUDART_VERSION)));
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0))
    refuse("there is no NVIDIA GPU in this machine, or none is visible to this process");
  if (status != cudaSuccess) refuse(fmt::format("the GPUs cannot be listed: {}", cudaGetErrorString(status)));
  return count;
}

CudaDevice open_cuda_device(int index) {
  const int count = count_cuda_devices();
  if (index < 0 || index >= count)
    refuse(fmt::format("there is no GPU {} among the {} of this machine (0 is the first)", index, count));
  cudaDeviceProp properties;
  cudaError_t status = cudaGetDeviceProperties(&properties, index);
  if (status != cudaSuccess) refuse(fmt::format("GPU {}: {}", index, cudaGetErrorString(status)));
  CudaDevice device{
      index, properties.name, properties.major, properties.minor, properties.multiProcessorCount, 0};
  if (device.major < kLeastMajor)
    refuse(fmt::format("GPU {} ({}) has compute capability {}.{}, and 8.0 is needed", index, device.name,
                       device.major, device.minor));
  std::size_t total = 0;
  status = cudaSetDevice(index);
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
