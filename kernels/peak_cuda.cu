#include "kernels/cuda_matrix.cuh"
#include "kernels/cuda_warpgroup.cuh"
#include "kernels/peak_cuda.h"
#include "kernels/tf32_terms.h"

namespace backdrop::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kSums = 4;                        // a thread's, and of a product's fragment
constexpr unsigned int kScatter = 2654435761u;  // Knuth's multiplicative hash
constexpr int kPeakColumns = 128;
constexpr int kChains = 8;  // independent sums, so that latency hides

// `word`: a register of operands between 1 and 2 of either sign, or any bytes, of random bits.
struct Halves : HalfMultiply {
  using Element = std::uint16_t;
  static __device__ __forceinline__ unsigned int word(unsigned int bits) {
    return (bits & 0x83ff83ffu) | 0x3c003c00u;
  }
  static constexpr std::int64_t kMultiplyAdds = 16 * 8 * 16;
};

struct Bfloat16s : Bfloat16Multiply {
  using Element = std::uint16_t;
  static constexpr std::int64_t kMultiplyAdds = Halves::kMultiplyAdds;
  static __device__ __forceinline__ unsigned int word(unsigned int bits) {
    return (bits & 0x807f807fu) | 0x3f803f80u;
  }
};

struct Tf32s {
  using Sum = float;
  static __device__ __forceinline__ unsigned int word(unsigned int bits) {
    return (bits & 0x807fe000u) | 0x3f800000u;
  }
  static constexpr std::int64_t kMultiplyAdds = 16 * 8 * 8;
  static __device__ __forceinline__ void multiply(Sum (&sums)[kSums], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int b1) {
    multiply_tf32s(sums, a, b0, b1);
  }
};

struct Bytes : ByteMultiply {
  using Element = std::uint8_t;
  static __device__ __forceinline__ unsigned int word(unsigned int bits) { return bits; }
  static constexpr std::int64_t kMultiplyAdds = 16 * 8 * 32;
};

struct E4m3s : E4m3Multiply {
  using Element = std::uint8_t;
  static __device__ __forceinline__ unsigned int word(unsigned int bits) {
    return (bits & 0x87878787u) | 0x38383838u;
  }
  static constexpr std::int64_t kMultiplyAdds = 16 * 8 * 32;
};

// By a warp: four FMAs of each thread. By a warpgroup: products of terms, whose left operands come from
// registers.
struct Floats {
  using Element = float;
  using Sum = float;
  static __device__ __forceinline__ unsigned int word(unsigned int bits) {
    return (bits & 0x807fffffu) | 0x3f800000u;
  }
  static constexpr std::int64_t kMultiplyAdds = 32 * kSums;
  static __device__ __forceinline__ void multiply(Sum (&sums)[kSums], const unsigned int (&a)[4],
                                                  unsigned int b0, unsigned int) {
#pragma unroll
    for (int k = 0; k < kSums; ++k) sums[k] = __fmaf_rn(__uint_as_float(a[k]), __uint_as_float(b0), sums[k]);
  }
  template <int kAllSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kAllSums], std::uint64_t,
                                                            std::uint64_t b) {
    unsigned int a[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) a[k] = word(kScatter * (threadIdx.x + kThreads * k + 1));
    warpgroup_tf32s(sums, a, b, 1);
  }
};

template <class Product>
__global__ void __launch_bounds__(kThreads) peak_kernel(int rounds, float* sink) {
  typename Product::Sum sums[kChains][kSums] = {};
  // Multiplying zeros, or the same number everywhere, takes less power and so runs at a higher clock.
  unsigned int a[4];
  unsigned int b[kChains];
#pragma unroll
  for (int k = 0; k < 4; ++k) a[k] = Product::word(kScatter * (threadIdx.x + kThreads * k + 1));
#pragma unroll
  for (int k = 0; k < kChains; ++k) b[k] = Product::word(kScatter * (threadIdx.x + kThreads * k + 7777));
  for (int round = 0; round < rounds; ++round)
#pragma unroll
    for (int chain = 0; chain < kChains; ++chain)
      Product::multiply(sums[chain], a, b[chain], b[(chain + 1) % kChains]);
  float total = 0;
#pragma unroll
  for (int chain = 0; chain < kChains; ++chain)
#pragma unroll
    for (int k = 0; k < kSums; ++k) total += static_cast<float>(sums[chain][k]);
  sink[static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x] = total;
}

// By wgmma: both warpgroups multiply one stage of shared memory again and again.
template <class Product>
__device__ __forceinline__ void multiply_by_warpgroups(int rounds, float* sink) {
  using Math = WarpgroupMath<Product, kPeakColumns>;
  constexpr int kStageWords = tile::stage_bytes<typename Math::Rows>(kPeakColumns) / 4;
  __shared__ __align__(Math::Rows::kAlignment) unsigned int stage[kStageWords];
  const int thread = static_cast<int>(threadIdx.x);
  for (int i = thread; i < kStageWords; i += kThreads) stage[i] = Product::word(kScatter * (i + 1u));
  show_to_tensor_cores();
  __syncthreads();
  Math math;
  for (int round = 0; round < rounds; ++round) {
    math.start(reinterpret_cast<const unsigned char*>(stage), thread);
    math.accumulate(reinterpret_cast<const unsigned char*>(stage), thread);
  }
  float total = 0;
#pragma unroll
  for (int k = 0; k < kPeakColumns / 2; ++k) total += static_cast<float>(math.sums[0][k]);
  sink[static_cast<std::int64_t>(blockIdx.x) * kThreads + thread] = total;
}

template <class Product>
__global__ void __launch_bounds__(kThreads) peak_warpgroup_kernel(int rounds, float* sink) {
  if constexpr (kHasWarpgroupCode)
    multiply_by_warpgroups<Product>(rounds, sink);
  else
    __trap();
}

__global__ void __launch_bounds__(kThreads)
    memory_kernel(float4* a, const float4* b, const float4* c, std::int64_t count) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += step) {
    const float4 left = b[i];
    const float4 right = c[i];
    a[i] = {left.x + 0.5f * right.x, left.y + 0.5f * right.y, left.z + 0.5f * right.z,
            left.w + 0.5f * right.w};
  }
}

// Calls `body` with the product of a precision.
template <class Body>
auto with_product(Precision precision, const Body& body) {
  switch (precision) {
    case Precision::tf32:
      return body(Tf32s());
    case Precision::fp16:
      return body(Halves());
    case Precision::bf16:
      return body(Bfloat16s());
    case Precision::int8:
      return body(Bytes());
    case Precision::fp8:
      return body(E4m3s());
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
      break;
  }
  return body(Floats());
}

template <class Product>
inline constexpr bool kHasWarpgroups = requires {
  typename Product::Element;
};

}  // namespace

cudaError_t peak_loop_cuda(const PeakLoop& loop, float* sink, cudaStream_t stream) {
  return with_product(loop.precision, [&](auto product) {
    using Product = decltype(product);
    if constexpr (kHasWarpgroups<Product>) {
      if (loop.warpgroups) {
        peak_warpgroup_kernel<Product><<<loop.blocks, kThreads, 0, stream>>>(loop.rounds, sink);
        return cudaGetLastError();
      }
    }
    peak_kernel<Product><<<loop.blocks, kThreads, 0, stream>>>(loop.rounds, sink);
    return cudaGetLastError();
  });
}

std::int64_t peak_multiply_adds(const PeakLoop& loop) {
  constexpr int kWarps = kThreads / 32;
  return with_product(loop.precision, [&](auto product) {
    using Product = decltype(product);
    std::int64_t round = Product::kMultiplyAdds * kChains * kWarps;
    if constexpr (kHasWarpgroups<Product>) {
      constexpr std::int64_t kInner = tile::Rows128::kPitch / sizeof(typename Product::Element);
      if (loop.warpgroups) round = kInner * tile::kRows * kPeakColumns;
    }
    const std::int64_t products = round * loop.rounds * loop.blocks;
    return loop.precision == Precision::fp32 && loop.warpgroups ? products / tf32::kProducts : products;
  });
}

std::int64_t peak_sums(int blocks) {
  return std::int64_t{blocks} * kThreads;
}

cudaError_t peak_memory_cuda(float* a, const float* b, const float* c, std::int64_t count,
                             cudaStream_t stream) {
  if (count % 4 != 0) return cudaErrorInvalidValue;
  constexpr int kBlocks = 2048;
  memory_kernel<<<kBlocks, kThreads, 0, stream>>>(reinterpret_cast<float4*>(a),
                                                  reinterpret_cast<const float4*>(b),
                                                  reinterpret_cast<const float4*>(c), count / 4);
  return cudaGetLastError();
}

}  // namespace backdrop::kernels
