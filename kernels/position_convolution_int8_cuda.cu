// The position convolution in 8 bits: unsigned activations by signed weights, as the CPU stores them.
#include "kernels/cluster_kernel.cuh"
#include "kernels/cuda_element.h"
#include "kernels/cuda_tile_int8.h"
#include "kernels/pixel_kernel.cuh"

namespace backdrop::kernels {
namespace {

struct Int8Product : LoadedOperands<ByteMultiply> {
  using Element = std::uint8_t;
  static constexpr int kBlocks = 2;

  template <int kColumns>
  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const std::int32_t* result, int thread) {
    tile::finish_int8_pieces<HalfElements, kColumns>(a, place, result, thread);
  }
};

}  // namespace

cudaError_t position_convolution_int8_cuda(const ConvolutionArguments& arguments, cudaStream_t stream) {
  return tile::reads_pixels(arguments) ? launch_pixels<Int8Product>(arguments, stream)
                                       : launch_matrix<Int8Product>(arguments, stream);
}

}  // namespace backdrop::kernels
