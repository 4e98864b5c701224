// The position convolution in e4m3, on devices of compute capability 8.9 or later: the engine refuses others.
#include "kernels/cluster_kernel.cuh"
#include "kernels/cuda_tile_fp8.h"

namespace backdrop::kernels {
namespace {

// Fragments as in 8-bit integers (PTX ISA, "Matrix Fragments for mma.m16n8k32").
struct Fp8Product : LoadedOperands<E4m3Multiply> {
  using Element = std::uint8_t;
  // On 9.0 the compiler makes these products of others, with more registers than two blocks have.
  static constexpr int kBlocks = 1;

  template <int kColumns>
  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const float* result, int thread) {
    tile::finish_fp8_pieces<kColumns>(a, place, result, thread);
  }
};

}  // namespace

cudaError_t position_convolution_fp8_cuda(const ConvolutionArguments& arguments, cudaStream_t stream) {
  return launch_matrix<Fp8Product>(arguments, stream);
}

}  // namespace backdrop::kernels
