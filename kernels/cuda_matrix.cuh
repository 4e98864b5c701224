/// \file
/// The instructions of the position convolution that only a GPU has, and products on tensor cores with them.
///
/// Fragments of `mma.sync` m16n8k16 (16 bits), m16n8k8 (tf32) and m16n8k32 (8 bits) lie in the same bytes
/// (PTX ISA, "Matrix Fragments for mma.m16n8k..."), so one way to load them serves all.
#pragma once

#include "kernels/cuda_tile_math.h"

namespace backdrop::kernels {

__device__ __forceinline__ unsigned int shared_address(const void* pointer) {
  return static_cast<unsigned int>(__cvta_generic_to_shared(pointer));
}

// Copies to shared memory behind the thread's back: 4, 8 or 16 bytes. What does not exist is zeros; its
// source may be named, though nothing is read from it.
struct CopyAsync {
  template <int kBytes>
  __device__ __forceinline__ void start(void* destination, const void* source, bool exists) const {
    const int bytes = exists ? kBytes : 0;
    if constexpr (kBytes == tile::kChunkBytes)
      asm volatile("cp.async.cg.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(destination)),
                   "l"(source), "n"(kBytes), "r"(bytes)
                   : "memory");
    else
      asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(destination)),
                   "l"(source), "n"(kBytes), "r"(bytes)
                   : "memory");
  }
};

__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until at most `kPending` of this thread's latest groups of copies are under way.
template <int kPending>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// Four registers of a thread.
using Word4 = unsigned int[4];

__device__ __forceinline__ void load_matrices(Word4& to, const void* from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(from))
               : "memory");
}

// sums += a * b, an m16n8 product over 32 bytes of inner dimension. With g = lane / 4 and t = lane % 4,
// register 0 of A is bytes 4 t .. 4 t + 3 of row g; 1 is row g + 8; 2 and 3 are the same rows 16 bytes on;
// B's are column g likewise. The asm of all types but for the instruction and the sums' registers.
#define BACKDROP_MMA(INSTRUCTION, REGISTER)                                                                 \
  asm volatile(INSTRUCTION " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"               \
               : "+" REGISTER(sums[0]), "+" REGISTER(sums[1]), "+" REGISTER(sums[2]), "+" REGISTER(sums[3]) \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))

__device__ __forceinline__ void multiply_halves(float (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                                unsigned int b1) {
  BACKDROP_MMA("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", "f");
}

__device__ __forceinline__ void multiply_bfloat16s(float (&sums)[4], const unsigned int (&a)[4],
                                                   unsigned int b0, unsigned int b1) {
  BACKDROP_MMA("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", "f");
}

__device__ __forceinline__ void multiply_tf32s(float (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                               unsigned int b1) {
  BACKDROP_MMA("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", "f");
}

__device__ __forceinline__ void multiply_bytes(std::int32_t (&sums)[4], const unsigned int (&a)[4],
                                               unsigned int b0, unsigned int b1) {
  BACKDROP_MMA("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32", "r");
}

// Only on devices of compute capability 8.9 or later.
__device__ __forceinline__ void multiply_e4m3s(float (&sums)[4], const unsigned int (&a)[4], unsigned int b0,
                                               unsigned int b1) {
#if __CUDA_ARCH__ >= 890
  BACKDROP_MMA("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", "f");
#else
  __trap();
#endif
}

#undef BACKDROP_MMA

/// What `Multiply` multiplies, as ldmatrix loads it. A product is of 16 rows by 16 columns: two of
/// mma.sync's.
template <class Multiply>
struct LoadedOperands : Multiply {
  using Operand = Word4;

  static __device__ __forceinline__ void load(Word4& to, const unsigned char* from) {
    load_matrices(to, from);
  }
  template <class Sum>
  static __device__ __forceinline__ void add_products(Sum (*sums)[4], const Word4& a, const Word4& b) {
    Multiply::multiply(sums[0], a, b[0], b[1]);
    Multiply::multiply(sums[1], a, b[2], b[3]);
  }
};

struct Tf32Multiply {
  static __device__ __forceinline__ void multiply(float (&sums)[4], const Word4& a, unsigned int b0,
                                                  unsigned int b1) {
    multiply_tf32s(sums, a, b0, b1);
  }
};

template <class Sum>
struct alignas(8) SumPair {
  Sum low;
  Sum high;
};

/// A block's products by mma.sync. `Product` says how operands are loaded and multiplied, and how many blocks
/// are to share a multiprocessor's registers.
template <class Product, int kTileColumns>
struct MatrixMath {
  using Element = typename Product::Element;
  using Sum = typename Product::Sum;
  using Rows = tile::Rows64;
  using Share = tile::WarpShare<kTileColumns>;
  static constexpr int kColumns = kTileColumns;
  static constexpr int kBlocks = Product::kBlocks;
  static constexpr bool kRunsHere = true;

  Sum sums[Share::kRowTiles][Share::kColumnTiles][4] = {};

  /// What a thread copied itself, the barrier shows to the others.
  static __device__ __forceinline__ void publish_copies(unsigned char*, int) {}

  /// Nothing of mma.sync runs by itself.
  __device__ __forceinline__ void start(const unsigned char*, int) {}

  __device__ __forceinline__ void accumulate(const unsigned char* stage, int thread) {
    const int lane = thread % 32;
    const int row = Share::first_row(thread / 32);
    const int column = Share::first_column(thread / 32);
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step) {
      typename Product::Operand b[Share::kColumnTiles / 2];
#pragma unroll
      for (int j = 0; j < Share::kColumnTiles / 2; ++j)
        Product::load(b[j], stage + Share::right_offset(column + 16 * j, step, lane));
#pragma unroll
      for (int i = 0; i < Share::kRowTiles; ++i) {
        typename Product::Operand a;
        Product::load(a, stage + Share::left_offset(row + 16 * i, step, lane));
#pragma unroll
        for (int j = 0; j < Share::kColumnTiles / 2; ++j) Product::add_products(sums[i] + 2 * j, a, b[j]);
      }
    }
  }

  __device__ __forceinline__ void write(Sum* result, int thread) const {
    const int lane = thread % 32;
    const int row = Share::first_row(thread / 32);
    const int column = Share::first_column(thread / 32);
#pragma unroll
    for (int i = 0; i < Share::kRowTiles; ++i)
#pragma unroll
      for (int j = 0; j < Share::kColumnTiles; ++j)
#pragma unroll
        for (int k = 0; k < 4; k += 2)
          *reinterpret_cast<SumPair<Sum>*>(result +
                                           Share::result_offset(row + 16 * i, column + 8 * j, k, lane)) = {
              sums[i][j][k], sums[i][j][k + 1]};
  }

  static __device__ __forceinline__ void finish(const ConvolutionArguments& a, const tile::Place& place,
                                                const Sum* result, int thread) {
    Product::template finish<kColumns>(a, place, result, thread);
  }
};

}  // namespace backdrop::kernels
