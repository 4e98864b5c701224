#include "kernels/composite_cuda.h"
#include "kernels/cuda_element.h"

namespace backdrop::kernels {
namespace {

constexpr int kThreads = 256;

// Thread i: pixel i % pixels of composite i / pixels.
template <class Traits>
__global__ void __launch_bounds__(kThreads) composite_kernel(const __grid_constant__ CompositeArguments a) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= static_cast<std::int64_t>(a.composites) * a.pixels) return;
  const int n = static_cast<int>(i / a.pixels);
  const int p = static_cast<int>(i % a.pixels);
  const std::uint8_t* source = composite_source(a, n, p);
  const float red = a.table[source[0]];
  const float green = a.table[256 + source[1]];
  const float blue = a.table[512 + source[2]];
  const std::int64_t place = composite_place(a, n, p);
  if constexpr (sizeof(typename Traits::Element) == 4)
    static_cast<float4*>(a.output)[place] = make_float4(red, green, blue, 0.0f);
  else
    static_cast<uint2*>(a.output)[place] = make_uint2(Traits::pack(red, green), Traits::pack(blue, 0.0f));
}

// In 8 bits the input is the photo itself: mean and deviation are in the first layer's weights.
__global__ void __launch_bounds__(kThreads)
    composite_int8_kernel(const __grid_constant__ CompositeArguments a) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= static_cast<std::int64_t>(a.composites) * a.pixels) return;
  const int n = static_cast<int>(i / a.pixels);
  const int p = static_cast<int>(i % a.pixels);
  static_cast<std::uint32_t*>(a.output)[composite_place(a, n, p)] = composite_word(a, n, p);
}

cudaError_t launch(void (*kernel)(CompositeArguments), const CompositeArguments& arguments,
                   cudaStream_t stream) {
  const std::int64_t blocks =
      (static_cast<std::int64_t>(arguments.composites) * arguments.pixels + kThreads - 1) / kThreads;
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidValue;
  kernel<<<static_cast<unsigned int>(blocks), kThreads, 0, stream>>>(arguments);
  return cudaGetLastError();
}

}  // namespace

cudaError_t composite_cuda(Precision precision, const CompositeArguments& arguments, cudaStream_t stream) {
  switch (precision) {
    case Precision::fp16:
      return launch(composite_kernel<HalfElements>, arguments, stream);
    case Precision::bf16:
      return launch(composite_kernel<Bfloat16Elements>, arguments, stream);
    case Precision::int8:
    case Precision::fp8:
      return launch(composite_int8_kernel, arguments, stream);
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
      break;
  }
  return launch(composite_kernel<FloatElements>, arguments, stream);
}

}  // namespace backdrop::kernels
