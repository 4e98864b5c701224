/// \file
/// fp32 products on tensor cores by terms (tf32_terms.h).
#pragma once

#include "kernels/cuda_matrix.cuh"
#include "kernels/tf32_terms.h"

namespace backdrop::kernels {

/// How MatrixMath loads and multiplies terms. A tile must have 64 columns: with 128, terms and sums are more
/// registers than two blocks of a multiprocessor have.
struct SplitOperands {
  // Registers of mma.sync or wgmma, which do not look at the bits that tf32 lacks.
  struct Operand {
    Word4 large;
    Word4 rest;
  };

  static __device__ __forceinline__ void load(Operand& to, const unsigned char* from) {
    Word4 values;
    load_matrices(values, from);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const tf32::Terms terms = tf32::terms_of(__uint_as_float(values[k]));
      to.large[k] = __float_as_uint(terms.large);
      to.rest[k] = __float_as_uint(terms.rest);
    }
  }

  // The two products do not wait for each other; the smallest come first.
  static __device__ __forceinline__ void add_products(float (*to)[4], const Operand& a, const Operand& b) {
    using Product = LoadedOperands<Tf32Multiply>;
    float sums[2][4] = {};
    Product::add_products(sums, a.rest, b.large);
    Product::add_products(sums, a.large, b.rest);
    Product::add_products(sums, a.large, b.large);
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
      for (int k = 0; k < 4; ++k) to[j][k] += sums[j][k];
  }
};

}  // namespace backdrop::kernels
