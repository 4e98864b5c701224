// The position convolution in 8 bits: unsigned activations by signed weights, as the CPU stores them.
#include "kernels/cuda_tile_int8.h"
#include "kernels/position_kernel.cuh"

namespace backdrop::kernels {
namespace {

struct Int8Product {
  using Element = std::uint8_t;
  using Sum = std::int32_t;
  static constexpr int kBlocks = 2;

  static __device__ __forceinline__ unsigned int operand(unsigned int word) { return word; }
  static __device__ __forceinline__ void multiply(std::int32_t (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    multiply_bytes(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(std::int32_t (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_bytes(sums, a, b);
  }

  template <int kColumns>
  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const std::int32_t* result, int piece) {
    tile::finish_int8_piece<kColumns>(a, place, result, piece);
  }
};

}  // namespace

cudaError_t position_convolution_int8_cuda(const ConvolutionArguments& arguments, cudaStream_t stream) {
  return launch_matrix<Int8Product>(arguments, stream);
}

}  // namespace backdrop::kernels
