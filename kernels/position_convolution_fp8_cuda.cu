// The position convolution in e4m3, on devices of compute capability 8.9 or later: the engine refuses others.
#include "kernels/cuda_tile_fp8.h"
#include "kernels/position_kernel.cuh"

namespace backdrop::kernels {
namespace {

// Fragments as in 8-bit integers (PTX ISA, "Matrix Fragments for mma.m16n8k32").
struct Fp8Product {
  using Element = std::uint8_t;
  using Sum = float;
  // On 9.0 the compiler makes these products of others, with more registers than two blocks have.
  static constexpr int kBlocks = 1;

  static __device__ __forceinline__ unsigned int operand(unsigned int word) { return word; }
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    multiply_e4m3s(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(float (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_e4m3s(sums, a, b);
  }

  template <int kColumns>
  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const float* result, int piece) {
    tile::finish_fp8_piece<kColumns>(a, place, result, piece);
  }
};

}  // namespace

cudaError_t position_convolution_fp8_cuda(const ConvolutionArguments& arguments, cudaStream_t stream) {
  return launch_matrix<Fp8Product>(arguments, stream);
}

}  // namespace backdrop::kernels
