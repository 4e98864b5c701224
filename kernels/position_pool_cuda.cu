#include "kernels/cuda_element.h"
#include "kernels/position_pool_cuda.h"

namespace backdrop::kernels {
namespace {

constexpr int kThreads = 256;

// Thread i: piece i of pool_pieces().
template <class Traits>
__global__ void __launch_bounds__(kThreads) position_pool_kernel(const __grid_constant__ PoolArguments a) {
  const std::int64_t piece = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (piece < pool_pieces(a)) pool_piece<Traits, Bfloat16Elements>(a, piece);
}

__global__ void __launch_bounds__(kThreads)
    position_pool_int8_kernel(const __grid_constant__ PoolArguments a) {
  const std::int64_t piece = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (piece < pool_pieces(a)) pool_int8_piece<Bfloat16Elements>(a, piece);
}

__global__ void __launch_bounds__(kThreads)
    position_pool_fp8_kernel(const __grid_constant__ PoolArguments a) {
  const std::int64_t piece = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (piece < pool_pieces(a)) pool_fp8_piece<Bfloat16Elements>(a, piece);
}

cudaError_t launch(void (*kernel)(PoolArguments), const PoolArguments& arguments, cudaStream_t stream) {
  const std::int64_t blocks = (pool_pieces(arguments) + kThreads - 1) / kThreads;
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidValue;
  kernel<<<static_cast<unsigned int>(blocks), kThreads, 0, stream>>>(arguments);
  return cudaGetLastError();
}

}  // namespace

cudaError_t position_pool_cuda(Precision precision, const PoolArguments& arguments, cudaStream_t stream) {
  if (arguments.channels % tile::kPieceColumns != 0) return cudaErrorInvalidValue;
  switch (precision) {
    case Precision::fp16:
      return launch(position_pool_kernel<HalfElements>, arguments, stream);
    case Precision::bf16:
      return launch(position_pool_kernel<Bfloat16Elements>, arguments, stream);
    case Precision::int8:
      return launch(position_pool_int8_kernel, arguments, stream);
    case Precision::fp8:
      return launch(position_pool_fp8_kernel, arguments, stream);
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
      break;
  }
  return launch(position_pool_kernel<FloatElements>, arguments, stream);
}

}  // namespace backdrop::kernels
