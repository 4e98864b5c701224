#include <string_view>

#include "kernels/cluster_kernel.cuh"
#include "kernels/cluster_weights.h"
#include "kernels/cuda_element.h"
#include "kernels/cuda_tile_end.h"
#include "kernels/pixel_kernel.cuh"
#include "kernels/split_math.cuh"
#include "kernels/split_warpgroup.cuh"

namespace backdrop::kernels {
namespace {

template <class Traits>
struct FloatSums {
  using Element = typename Traits::Element;
  using Sum = float;
  static constexpr int kBlocks = 2;

  template <int kColumns>
  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const float* result, int thread) {
    tile::finish_pieces<Traits, kColumns>(a, place, result, thread);
  }
};

// An m16n8 product over 32 bytes of inner dimension: sums += a * b.
struct HalfProduct : FloatSums<HalfElements>, LoadedOperands<HalfMultiply> {
  using Sum = float;
};

struct Bfloat16Product : FloatSums<Bfloat16Elements>, LoadedOperands<Bfloat16Multiply> {
  using Sum = float;
};

struct Tf32Product : FloatSums<FloatElements>, LoadedOperands<Tf32Multiply> {
  static __device__ __forceinline__ void load(Word4& to, const unsigned char* from) {
    load_matrices(to, from);
#pragma unroll
    for (int k = 0; k < 4; ++k) asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(to[k]) : "f"(__uint_as_float(to[k])));
  }
};

struct SplitProduct : FloatSums<FloatElements>, SplitOperands {};

struct ExactMath : tile::ScalarMath {
  static __device__ __forceinline__ void publish_copies(unsigned char*, int) {}
  static __device__ __forceinline__ void start(const unsigned char*, int) {}
  using Element = float;
  using Sum = float;
  static constexpr int kBlocks = 2;
  static constexpr bool kRunsHere = true;

  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const float* result, int thread) {
    tile::finish_pieces<FloatElements, kColumns>(a, place, result, thread);
  }
};

constexpr bool kBuiltForHopper =
    std::string_view(BACKDROP_CUDA_ARCHITECTURES).find("90a") != std::string_view::npos;

}  // namespace

bool has_products(Precision precision, Products products) {
  const bool exact = precision == Precision::fp32;
  if (products == Products::warps) return true;
  if (is_split(products) != exact) return false;
  if (products == Products::split) return true;
  // wgmma would cut tf32's operands off at 10 bits of mantissa, where mma.sync's are rounded.
  if (!kBuiltForHopper || precision == Precision::tf32) return false;
  int device = 0;
  int major = 0;
  int minor = 0;
  return cudaGetDevice(&device) == cudaSuccess &&
         cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
         cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess &&
         major == 9 && minor == 0;
}

cudaError_t position_convolution_cuda(Precision precision, const ConvolutionArguments& arguments,
                                      cudaStream_t stream) {
  if (!can_convolve(precision, arguments) || !has_products(precision, arguments.products) ||
      (arguments.products == Products::clusters &&
       !fits_clusters(arguments.group_channels * element_bytes(precision))))
    return cudaErrorInvalidValue;
  switch (precision) {
    case Precision::tf32:
      return launch_columns<MatrixMath, Tf32Product>(arguments, stream);
    case Precision::fp16:
      return tile::reads_pixels(arguments) ? launch_pixels<HalfProduct>(arguments, stream)
                                           : launch_matrix<HalfProduct>(arguments, stream);
    case Precision::bf16:
      return tile::reads_pixels(arguments) ? launch_pixels<Bfloat16Product>(arguments, stream)
                                           : launch_matrix<Bfloat16Product>(arguments, stream);
    case Precision::int8:
      return position_convolution_int8_cuda(arguments, stream);
    case Precision::fp8:
      return position_convolution_fp8_cuda(arguments, stream);
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
      break;
  }
  if (arguments.products == Products::split_warpgroups)
    return launch_columns<WarpgroupSplitMath, SplitProduct>(arguments, stream);
  return arguments.products == Products::split
             ? launch_convolution<MatrixMath<SplitProduct, 64>>(arguments, stream)
             : launch_convolution<ExactMath>(arguments, stream);
}

}  // namespace backdrop::kernels
