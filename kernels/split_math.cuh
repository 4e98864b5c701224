/// \file
/// fp32 products on tensor cores by terms (tf32_terms.h).
#pragma once

#include "kernels/cuda_matrix.cuh"
#include "kernels/tf32_terms.h"

namespace backdrop::kernels {

// Four values of a thread as registers of mma.sync or wgmma, which do not look at the bits that tf32 lacks.
using Word4 = unsigned int[4];

struct Words {
  Word4 large;
  Word4 rest;
};

// The terms of what ldmatrix loads.
__device__ __forceinline__ Words load_words(const unsigned char* from) {
  Word4 values;
  load_matrices(values, from);
  Words words;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const tf32::Terms terms = tf32::terms_of(__uint_as_float(values[k]));
    words.large[k] = __float_as_uint(terms.large);
    words.rest[k] = __float_as_uint(terms.rest);
  }
  return words;
}

/// `Product` is tf32's. The tile has 64 columns: with 128, terms and sums are more registers than two blocks
/// of a multiprocessor have.
template <class Product>
struct SplitMath : MatrixMath<Product, 64> {
  using Base = MatrixMath<Product, 64>;
  using Share = typename Base::Share;

  __device__ __forceinline__ void accumulate(const unsigned char* stage, int thread) {
    const int lane = thread % 32;
    const int row = Share::first_row(thread / 32);
    const int column = Share::first_column(thread / 32);
#pragma unroll
    for (int step = 0; step < Share::kSteps; ++step) {
      Words b[Share::kColumnTiles / 2];
#pragma unroll
      for (int j = 0; j < Share::kColumnTiles / 2; ++j)
        b[j] = load_words(stage + Share::right_offset(column + 16 * j, step, lane));
#pragma unroll
      for (int i = 0; i < Share::kRowTiles; ++i) {
        const Words a = load_words(stage + Share::left_offset(row + 16 * i, step, lane));
#pragma unroll
        for (int j = 0; j < Share::kColumnTiles / 2; ++j) add_products(this->sums[i] + 2 * j, a, b[j]);
      }
    }
  }

 private:
  // Two column tiles, whose products do not wait for each other; the smallest come first.
  static __device__ __forceinline__ void add_products(float (*to)[4], const Words& a, const Words& b) {
    float sums[2][4] = {};
    multiply(sums, a.rest, b.large);
    multiply(sums, a.large, b.rest);
    multiply(sums, a.large, b.large);
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
      for (int k = 0; k < 4; ++k) to[j][k] += sums[j][k];
  }

  static __device__ __forceinline__ void multiply(float (&sums)[2][4], const Word4& a, const Word4& b) {
    Product::multiply(sums[0], a, b[0], b[1]);
    Product::multiply(sums[1], a, b[2], b[3]);
  }
};

}  // namespace backdrop::kernels
