/// \file
/// Products of a warpgroup, `wgmma`, which compute capability 9.0 alone has (PTX ISA, "Asynchronous Warpgroup
/// Level Matrix Instructions"), and what orders them.
///
/// Only code for sm_90a can hold the instructions: elsewhere kernels must not use them (kHasWarpgroupCode),
/// and has_products says so before anything is started.
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

// sums += a * b, or sums = a * b without `add`, for 64 rows of tf32: `a` are a thread's values as those of
// mma.sync's m16n8k8 (the warp's 16 rows), `b` is a descriptor of all columns. The registers of `a` may be
// written anew when the product is done.
__device__ __forceinline__ void warpgroup_tf32s(float (&sums)[32], const unsigned int (&a)[4],
                                                std::uint64_t b, int add) {
  asm volatile(
      "{\n.reg .pred add;\nsetp.ne.b32 add, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k8.f32.tf32.tf32 {" BACKDROP_PLACES_32
      "}, {%32, %33, %34, %35}, %36, add, 1, 1;\n}"
      : BACKDROP_SUMS_32("f", 0)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add)
      : "memory");
}

__device__ __forceinline__ void warpgroup_tf32s(float (&sums)[64], const unsigned int (&a)[4],
                                                std::uint64_t b, int add) {
  asm volatile(
      "{\n.reg .pred add;\nsetp.ne.b32 add, %69, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k8.f32.tf32.tf32 {" BACKDROP_PLACES_64
      "}, {%64, %65, %66, %67}, %68, add, 1, 1;\n}"
      : BACKDROP_SUMS_32("f", 0), BACKDROP_SUMS_32("f", 32)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add)
      : "memory");
}

#undef BACKDROP_WARPGROUP_PRODUCT
#undef BACKDROP_WGMMA_256
#undef BACKDROP_WGMMA_128
#undef BACKDROP_WGMMA_64
#undef BACKDROP_SUMS_32
#undef BACKDROP_SUMS_8
#undef BACKDROP_PLACES_128
#undef BACKDROP_PLACES_64
#undef BACKDROP_PLACES_32

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

}  // namespace backdrop::kernels
