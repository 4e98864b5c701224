#include "kernels/cuda_element.h"
#include "kernels/cuda_tile.h"
#include "kernels/epilogue_cuda.h"

namespace backdrop::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kColumns = tile::kPieceColumns;

// Thread i: channels 8 i .. 8 i + 7 of the whole array.
template <class Traits>
__global__ void __launch_bounds__(kThreads) epilogue_kernel(const __grid_constant__ EpilogueArguments a) {
  using Element = typename Traits::Element;
  const std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) * kColumns;
  if (first >= a.positions * a.channels) return;
  const float* bias = a.bias + first % a.channels;
  float sums[kColumns];
  Traits::load(static_cast<const Element*>(a.output) + first, sums);
#pragma unroll
  for (int k = 0; k < kColumns; ++k) sums[k] += bias[k];
  if (a.residual != nullptr) {
    float residual[kColumns];
    Traits::load(static_cast<const Element*>(a.residual) + first, residual);
#pragma unroll
    for (int k = 0; k < kColumns; ++k) sums[k] += residual[k];
  }
  activate_eight(sums, a.slope);
  Traits::store(static_cast<Element*>(a.output) + first, sums);
}

template <class Traits>
cudaError_t launch(const EpilogueArguments& arguments, cudaStream_t stream) {
  const std::int64_t pieces = arguments.positions * arguments.channels / kColumns;
  const std::int64_t blocks = (pieces + kThreads - 1) / kThreads;
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidValue;
  epilogue_kernel<Traits><<<static_cast<unsigned int>(blocks), kThreads, 0, stream>>>(arguments);
  return cudaGetLastError();
}

}  // namespace

cudaError_t epilogue_cuda(Precision precision, const EpilogueArguments& arguments, cudaStream_t stream) {
  if (arguments.channels % kColumns != 0) return cudaErrorInvalidValue;
  switch (precision) {
    case Precision::fp16:
      return launch<HalfElements>(arguments, stream);
    case Precision::bf16:
      return launch<Bfloat16Elements>(arguments, stream);
    case Precision::int8:
    case Precision::fp8:
      return cudaErrorInvalidValue;
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
      break;
  }
  return launch<FloatElements>(arguments, stream);
}

}  // namespace backdrop::kernels
