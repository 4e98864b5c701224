/// \file
/// Products of a warpgroup, `wgmma`, which compute capability 9.0 alone has (PTX ISA, "Asynchronous Warpgroup
/// Level Matrix Instructions"). Both operands come from shared memory in the layout of tile::Rows128.
///
/// Only code for sm_90a can hold the instructions: elsewhere kernels must not use them (kHasWarpgroupCode),
/// and has_warpgroup_products says so before anything is started.
#pragma once

#include "kernels/cuda_matrix.cuh"

namespace backdrop::kernels {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
inline constexpr bool kHasWarpgroupCode = true;
#else
inline constexpr bool kHasWarpgroupCode = false;
#endif

// NAME(sums, a, b): sums += a * b for the 64 rows and all columns that two descriptors name, over 32 bytes of
// inner dimension. Text for the assembler, the same for all types but for TYPES, the letter of the sums'
// registers, and OPERANDS: nothing is negated, and (16 bits) neither operand transposed.
#define BACKDROP_PLACES_32                                                 \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define BACKDROP_PLACES_64                                                           \
  BACKDROP_PLACES_32                                                                 \
  ", "                                                                               \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define BACKDROP_PLACES_128                                                                      \
  BACKDROP_PLACES_64                                                                             \
  ", "                                                                                           \
  "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "             \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "             \
  "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, " \
  "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define BACKDROP_SUMS_8(R, I)                                                                     \
  "+" R(sums[I]), "+" R(sums[I + 1]), "+" R(sums[I + 2]), "+" R(sums[I + 3]), "+" R(sums[I + 4]), \
      "+" R(sums[I + 5]), "+" R(sums[I + 6]), "+" R(sums[I + 7])
#define BACKDROP_SUMS_32(R, I) \
  BACKDROP_SUMS_8(R, I), BACKDROP_SUMS_8(R, I + 8), BACKDROP_SUMS_8(R, I + 16), BACKDROP_SUMS_8(R, I + 24)
#define BACKDROP_WGMMA_64(TYPES, OPERANDS, R)                                                            \
  asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %34, 0;\nwgmma.mma_async.sync.aligned.m64n64" TYPES \
               " {" BACKDROP_PLACES_32 "}, %32, %33, add" OPERANDS ";\n}"                                \
               : BACKDROP_SUMS_32(R, 0)                                                                  \
               : "l"(a), "l"(b), "r"(1)                                                                  \
               : "memory")
#define BACKDROP_WGMMA_128(TYPES, OPERANDS, R)                                                            \
  asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %66, 0;\nwgmma.mma_async.sync.aligned.m64n128" TYPES \
               " {" BACKDROP_PLACES_64 "}, %64, %65, add" OPERANDS ";\n}"                                 \
               : BACKDROP_SUMS_32(R, 0), BACKDROP_SUMS_32(R, 32)                                          \
               : "l"(a), "l"(b), "r"(1)                                                                   \
               : "memory")
#define BACKDROP_WGMMA_256(TYPES, OPERANDS, R)                                                             \
  asm volatile("{\n.reg .pred add;\nsetp.ne.b32 add, %130, 0;\nwgmma.mma_async.sync.aligned.m64n256" TYPES \
               " {" BACKDROP_PLACES_128 "}, %128, %129, add" OPERANDS ";\n}"                               \
               : BACKDROP_SUMS_32(R, 0), BACKDROP_SUMS_32(R, 32), BACKDROP_SUMS_32(R, 64),                 \
                 BACKDROP_SUMS_32(R, 96)                                                                   \
               : "l"(a), "l"(b), "r"(1)                                                                    \
               : "memory")
#define BACKDROP_WARPGROUP_PRODUCT(NAME, SUM, TYPES, OPERANDS, R)                           \
  __device__ __forceinline__ void NAME(SUM(&sums)[32], std::uint64_t a, std::uint64_t b) {  \
    BACKDROP_WGMMA_64(TYPES, OPERANDS, R);                                                  \
  }                                                                                         \
  __device__ __forceinline__ void NAME(SUM(&sums)[64], std::uint64_t a, std::uint64_t b) {  \
    BACKDROP_WGMMA_128(TYPES, OPERANDS, R);                                                 \
  }                                                                                         \
  __device__ __forceinline__ void NAME(SUM(&sums)[128], std::uint64_t a, std::uint64_t b) { \
    BACKDROP_WGMMA_256(TYPES, OPERANDS, R);                                                 \
  }

BACKDROP_WARPGROUP_PRODUCT(warpgroup_halves, float, "k16.f32.f16.f16", ", 1, 1, 0, 0", "f")
BACKDROP_WARPGROUP_PRODUCT(warpgroup_bfloat16s, float, "k16.f32.bf16.bf16", ", 1, 1, 0, 0", "f")
BACKDROP_WARPGROUP_PRODUCT(warpgroup_bytes, std::int32_t, "k32.s32.u8.s8", "", "r")
BACKDROP_WARPGROUP_PRODUCT(warpgroup_e4m3s, float, "k32.f32.e4m3.e4m3", ", 1, 1", "f")

#undef BACKDROP_WARPGROUP_PRODUCT
#undef BACKDROP_WGMMA_256
#undef BACKDROP_WGMMA_128
#undef BACKDROP_WGMMA_64
#undef BACKDROP_SUMS_32
#undef BACKDROP_SUMS_8
#undef BACKDROP_PLACES_128
#undef BACKDROP_PLACES_64
#undef BACKDROP_PLACES_32

/// A type's products by both instructions, for MatrixMath and WarpgroupMath.
struct HalfMultiply {
  using Sum = float;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_halves(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_halves(sums, a, b);
  }
};

struct Bfloat16Multiply {
  using Sum = float;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_bfloat16s(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_bfloat16s(sums, a, b);
  }
};

struct ByteMultiply {
  using Sum = std::int32_t;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_bytes(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_bytes(sums, a, b);
  }
};

struct E4m3Multiply {
  using Sum = float;
  static __device__ __forceinline__ void multiply(Sum (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                  unsigned int b1) {
    multiply_e4m3s(sums, a, b0, b1);
  }
  template <int kSums>
  static __device__ __forceinline__ void multiply_warpgroup(Sum (&sums)[kSums], std::uint64_t a,
                                                            std::uint64_t b) {
    warpgroup_e4m3s(sums, a, b);
  }
};

// Ordinary writes to shared memory, and cp.async's copies, by this thread come before what the tensor cores
// read behind the next barrier.
__device__ __forceinline__ void show_to_tensor_cores() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// Between other uses of the sums' registers and the first product.
__device__ __forceinline__ void begin_products() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void commit_products() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

// Waits until at most `kPending` of the products last committed are under way.
template <int kPending>
__device__ __forceinline__ void wait_for_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

/// A block's products by wgmma: each of its two warpgroups computes 64 rows of each row tile by all columns.
/// `Product` is MatrixMath's.
template <class Product, int kTileColumns, int kRowTiles = 1>
struct WarpgroupMath {
  using Element = typename Product::Element;
  using Sum = typename Product::Sum;
  using Rows = tile::Rows128;
  using Share = tile::WarpgroupShare;
  static constexpr int kColumns = kTileColumns;
  static constexpr int kBlocks = kTileColumns == 64 ? 3 : 2;  ///< what shared memory has room for
  static constexpr bool kRunsHere = kHasWarpgroupCode;
  static constexpr int kTileResults = tile::kRows * tile::result_pitch(kColumns);

  Sum sums[kRowTiles][kColumns / 2] = {};

  static __device__ __forceinline__ void publish_copies() { show_to_tensor_cores(); }

  /// The products are under way when this returns: what the block does until `accumulate` costs nothing.
  __device__ __forceinline__ void start(const unsigned char* stage, int thread) {
    constexpr int kTileBytes = tile::kRows * Rows::kPitch;
    const unsigned int address = shared_address(stage);
    const std::uint64_t left = Share::descriptor(address + Share::left_offset(thread / Share::kThreads, 0));
    const std::uint64_t right =
        Share::descriptor(address + (kRowTiles - 1) * kTileBytes + Share::right_offset(0));
    begin_products();
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step)
#pragma unroll
      for (int row_tile = 0; row_tile < kRowTiles; ++row_tile)
        Product::multiply_warpgroup(
            sums[row_tile], left + Share::address_bits(row_tile * kTileBytes + step * Share::kStepBytes),
            right + Share::address_bits(step * Share::kStepBytes));
    commit_products();
  }

  __device__ __forceinline__ void accumulate(const unsigned char*, int) {
    wait_for_products<0>();
  }

  /// Row tiles one behind the other.
  __device__ __forceinline__ void write(Sum* result, int thread) const {
    const int row = thread / 32 * 16;
#pragma unroll
    for (int row_tile = 0; row_tile < kRowTiles; ++row_tile, result += kTileResults)
#pragma unroll
      for (int j = 0; j < kColumns / 8; ++j)
#pragma unroll
        for (int k = 0; k < 4; k += 2)
          *reinterpret_cast<SumPair<Sum>*>(
              result + tile::WarpShare<kColumns>::result_offset(row, 8 * j, k, thread % 32)) = {
              sums[row_tile][4 * j + k], sums[row_tile][4 * j + k + 1]};
  }

  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const Sum* result, int thread) {
    Product::template finish<kColumns>(a, place, result, thread);
  }
};

template <class Product, int kColumns>
using TileWarpgroupMath = WarpgroupMath<Product, kColumns>;

}  // namespace backdrop::kernels
