/// \file
/// What this machine can do at most, measured: the two roofs that a layer's time is compared with.
#pragma once

#include "core/parallel.h"
#include "kernels/precision.h"

namespace backdrop {

struct MachinePeak {
  double multiply_adds_per_second = 0;  ///< fp32, on registers, all threads at once
  double bytes_per_second = 0;  ///< memory read and written by a[i] = b[i] + s * c[i], all threads at once
  double bf16_multiply_adds_per_second = 0;  ///< the first by AVX512-BF16; 0 without
  double int8_multiply_adds_per_second = 0;  ///< the first by AVX512-VNNI, 8-bit products; 0 without

  /// Multiply-adds a second; 0: not measured.
  double of(Precision precision) const {
    if (precision == Precision::bf16) return bf16_multiply_adds_per_second;
    if (precision == Precision::int8) return int8_multiply_adds_per_second;
    return precision == Precision::fp32 ? multiply_adds_per_second : 0;
  }
};

/// Measures them on all threads of the pool, the best of many tries of a few milliseconds each.
MachinePeak measure_machine_peak(ThreadPool& pool);

}  // namespace backdrop
