// The position convolution in 8 bits: unsigned activations by signed weights, as the CPU stores them.
#include "kernels/cuda_tile_int8.h"
#include "kernels/position_kernel.cuh"

namespace backdrop::kernels {
namespace {

// PTX ISA, "Matrix Fragments for mma.m16n8k32": with g = lane / 4 and t = lane % 4, register 0 of A is row g,
// bytes 4 t .. 4 t + 3; 1 is row g + 8; 2 and 3 are the same rows 16 bytes on. B's are column g likewise.
struct Int8Product {
  using Element = std::uint8_t;
  using Sum = std::int32_t;
  static constexpr int kBlocks = 2;

  static __device__ __forceinline__ unsigned int operand(unsigned int word) { return word; }
  static __device__ __forceinline__ void multiply(std::int32_t (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
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
