#include "kernels/cuda_element.h"
#include "kernels/position_kernel.cuh"

namespace backdrop::kernels {
namespace {

template <class Traits>
struct FloatSums {
  using Element = typename Traits::Element;
  using Sum = float;
  static constexpr int kBlocks = 2;

  template <int kColumns>
  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const float* result, int piece) {
    tile::finish_piece<Traits, kColumns>(a, place, result, piece);
  }
};

// An m16n8 product over 32 bytes of inner dimension: sums += a * b.
struct HalfProduct : FloatSums<HalfElements> {
  static __device__ __forceinline__ unsigned int operand(unsigned int word) { return word; }
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    multiply_halves(sums, a, b0, b1);
  }
};

struct Bfloat16Product : FloatSums<Bfloat16Elements> {
  static __device__ __forceinline__ unsigned int operand(unsigned int word) { return word; }
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

// The fragments of m16n8k8 in fp32 lie in the same bytes as those of m16n8k16 in 16 bits.
struct Tf32Product : FloatSums<FloatElements> {
  static __device__ __forceinline__ unsigned int operand(unsigned int word) {
    unsigned int rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(word)));
    return rounded;
  }
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
};

struct ExactMath : tile::ScalarMath {
  using Element = float;
  using Sum = float;
  static constexpr int kBlocks = 2;

  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const float* result, int piece) {
    tile::finish_piece<FloatElements, kColumns>(a, place, result, piece);
  }
};

}  // namespace

cudaError_t position_convolution_cuda(Precision precision, const ConvolutionArguments& arguments,
                                      cudaStream_t stream) {
  if (arguments.window > tile::kMaxWindow || arguments.group_channels % chunk_elements(precision) != 0 ||
      arguments.group_columns % tile::kPieceColumns != 0)
    return cudaErrorInvalidValue;
  switch (precision) {
    case Precision::tf32:
      return launch_matrix<Tf32Product>(arguments, stream);
    case Precision::fp16:
      return launch_matrix<HalfProduct>(arguments, stream);
    case Precision::bf16:
      return launch_matrix<Bfloat16Product>(arguments, stream);
    case Precision::int8:
      return position_convolution_int8_cuda(arguments, stream);
    case Precision::fp8:
      return position_convolution_fp8_cuda(arguments, stream);
    case Precision::fp32:
      break;
  }
  return launch_convolution<ExactMath>(arguments, stream);
}

}  // namespace backdrop::kernels
