#include <algorithm>

#include "engine/cuda_device.h"
#include "engine/cuda_memory.h"
#include "engine/cuda_products.h"
#include "engine/cuda_stream.h"
#include "engine/machine_peak.h"
#include "kernels/peak_cuda.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/tf32_terms.h"

namespace backdrop {
namespace {

using kernels::Products;

constexpr int kTries = 10;
constexpr int kRounds = 2000;
constexpr int kBlocksOfMultiprocessor = 8;
constexpr std::int64_t kFloats = std::int64_t{64} << 20;  // of each of three arrays: far beyond any cache

// The least seconds of several tries; the first one only loads the kernel.
template <class Run>
double least_seconds(const CudaStream& stream, const Run& run) {
  CudaEvent start(cudaEventDefault);
  CudaEvent end(cudaEventDefault);
  float least = 0;
  for (int attempt = 0; attempt <= kTries; ++attempt) {
    start.record(stream);
    check_cuda(run(), "measuring the GPU");
    end.record(stream);
    end.synchronize();
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, start, end), "measuring the GPU");
    if (attempt == 1 || (attempt > 1 && milliseconds < least)) least = milliseconds;
  }
  return 1e-3 * least;
}

}  // namespace

MachinePeak measure_cuda_peak(int index, const GpuWays& without) {
  const CudaDevice device = open_cuda_device(index);
  check_cuda(cudaSetDevice(index), "choosing the GPU");
  const CudaStream stream;
  MachinePeak peak;
  const int blocks = kBlocksOfMultiprocessor * device.multiprocessors;
  {
    const DeviceBuffer sink(kernels::peak_sums(blocks) * sizeof(float), "measuring the GPU");
    for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16,
                                      Precision::int8, Precision::fp8}) {
      if (precision == Precision::fp8 && !device.has_fp8()) continue;
      for (const bool warpgroups : {false, true}) {
        const bool exact = precision == Precision::fp32;
        const Products products = !warpgroups ? Products::warps
                                  : exact     ? Products::split_warpgroups
                                              : Products::warpgroups;
        if (!kernels::has_products(precision, products) || !allowed(products, without)) continue;
        const kernels::PeakLoop loop{precision, warpgroups, blocks, kRounds};
        const double seconds =
            least_seconds(stream, [&] { return kernels::peak_loop_cuda(loop, sink.as<float>(), stream); });
        peak.of(precision) =
            std::max(peak.of(precision), static_cast<double>(kernels::peak_multiply_adds(loop)) / seconds);
      }
    }
  }
  if (!without.has(GpuWay::split))
    peak.of(Precision::fp32) =
        std::max(peak.of(Precision::fp32), peak.of(Precision::tf32) / kernels::tf32::kProducts);
  const DeviceBuffer memory(3 * kFloats * sizeof(float), "measuring the GPU");
  check_cuda(cudaMemsetAsync(memory.data(), 0x3f, memory.size(), stream), "measuring the GPU");  // 0.75
  auto* a = memory.as<float>();
  const double seconds = least_seconds(
      stream, [&] { return kernels::peak_memory_cuda(a, a + kFloats, a + 2 * kFloats, kFloats, stream); });
  peak.bytes_per_second = 3.0 * sizeof(float) * static_cast<double>(kFloats) / seconds;
  return peak;
}

}  // namespace backdrop
