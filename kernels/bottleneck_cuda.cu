#include <cuda_fp16.h>

#include "kernels/bottleneck_cuda.h"
#include "kernels/cuda_bottleneck_warp.h"
#include "kernels/cuda_matrix.cuh"

namespace backdrop::kernels {
namespace {

constexpr int kMostThreads = 512;

struct Halves {
  using Element = __half;
  static __device__ __forceinline__ float to_float(__half value) { return __half2float(value); }
  static __device__ __forceinline__ __half from_float(float value) { return __float2half_rn(value); }
};

struct HalfMath {
  using Arithmetic = bottleneck::FloatArithmetic<Halves>;
  using Sum = float;
  static __device__ __forceinline__ void multiply(float (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    multiply_halves(sums, a, b0, b1);
  }
};

struct Int8Math {
  using Arithmetic = bottleneck::Int8Arithmetic;
  using Sum = std::int32_t;
  static __device__ __forceinline__ void multiply(std::int32_t (&sums)[4], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    multiply_bytes(sums, a, b0, b1);
  }
};

// One lane of a warp that computes 32 rows by 32 columns.
template <class Math>
class Machine {
 public:
  using Sum = typename Math::Sum;
  struct Sums {
    Sum values[2][4][4];
  };

  explicit __device__ __forceinline__ Machine(int lane) : lane_(lane) {}

  template <class Address>
  __device__ __forceinline__ void begin_rows(const Address& address_of_row) {
#pragma unroll
    for (int i = 0; i < 2; ++i) rows_[i] = address_of_row(16 * i + lane_ % 16) + lane_ / 16 * 16;
  }

  __device__ __forceinline__ void accumulate(Sums& sums, int byte, const unsigned char* weights) const {
    unsigned int b[2][4];
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const uint4 words =
          __ldg(reinterpret_cast<const uint4*>(weights + j * bottleneck::kFragmentBytes) + lane_);
      b[j][0] = words.x, b[j][1] = words.y, b[j][2] = words.z, b[j][3] = words.w;
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      unsigned int a[4];
      load_matrices(a, rows_[i] + byte);
#pragma unroll
      for (int j = 0; j < 4; ++j)
        Math::multiply(sums.values[i][j], a, b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
    }
  }

  template <class Body>
  __device__ __forceinline__ void for_each_pair(const Sums& sums, const Body& body) const {
#pragma unroll
    for (int i = 0; i < 2; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int k = 0; k < 4; k += 2)
          body(16 * i + lane_ / 4 + 4 * k, 8 * j + lane_ % 4 * 2, sums.values[i][j][k],
               sums.values[i][j][k + 1]);
  }

 private:
  int lane_;
  const unsigned char* rows_[2];
};

// Block b: one square of one image.
template <class Math>
__global__ void __launch_bounds__(kMostThreads)
    bottleneck_kernel(const __grid_constant__ BottleneckArguments a) {
  using Element = typename Math::Arithmetic::Element;
  constexpr int kBytes = sizeof(Element);
  extern __shared__ __align__(16) unsigned char memory[];
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const bottleneck::Layout layout = bottleneck::layout_of(a, kBytes);
  const bottleneck::Place place = bottleneck::place_of_block(a, static_cast<int>(blockIdx.x));

  bottleneck::load_input(a, layout, place, kBytes, thread, threads, memory, CopyAsync());
  commit_copies();
  wait_for_copies<0>();
  __syncthreads();
  Machine<Math> machine(thread % 32);
  bottleneck::Warp<Machine<Math>, typename Math::Arithmetic> warp(a, layout, place, thread / 32, threads / 32,
                                                                  memory, machine);
  for (int b = 0; b < a.count; ++b) {
    warp.reduce(b);
    __syncthreads();
    warp.convolve(b);
    __syncthreads();
    warp.expand(b);
    __syncthreads();
  }
  bottleneck::store_output(a, layout, place, kBytes, thread, threads, memory,
                           [](unsigned char* to, const unsigned char* from) {
                             *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(from);
                           });
}

// Lets a kernel have all the shared memory of a block that the device has, wherever it is launched with how
// much: a limit for each launch would forbid larger ones that a graph holds, or that another thread is about
// to start.
cudaError_t allow_shared_memory(void (*kernel)(BottleneckArguments)) {
  int device = 0;
  int most = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status == cudaSuccess)
    status = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  if (status == cudaSuccess)
    status = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most);
  return status;
}

template <class Math>
cudaError_t launch(const BottleneckArguments& arguments, cudaStream_t stream) {
  const int bytes = bottleneck::layout_of(arguments, sizeof(typename Math::Arithmetic::Element)).bytes;
  const std::int64_t blocks = std::int64_t{arguments.images} * bottleneck::blocks_across(arguments) *
                              bottleneck::blocks_down(arguments);
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT32_MAX) return cudaErrorInvalidValue;
  const cudaError_t allowed = allow_shared_memory(bottleneck_kernel<Math>);
  if (allowed != cudaSuccess) return allowed;
  bottleneck_kernel<Math>
      <<<static_cast<unsigned int>(blocks), bottleneck::threads_of(arguments), bytes, stream>>>(arguments);
  return cudaGetLastError();
}

}  // namespace

cudaError_t bottleneck_cuda(Precision precision, const BottleneckArguments& arguments, cudaStream_t stream) {
  if (!bottleneck::can_run(precision, arguments)) return cudaErrorInvalidValue;
  return precision == Precision::int8 ? launch<Int8Math>(arguments, stream)
                                      : launch<HalfMath>(arguments, stream);
}

}  // namespace backdrop::kernels
