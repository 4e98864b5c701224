/// \file
/// What this machine can do at most, measured: the two roofs that a layer's time is compared with.
#pragma once

#include "core/parallel.h"
#include "engine/gpu_ways.h"
#include "kernels/precision.h"

namespace backdrop {

struct MachinePeak {
  double multiply_adds_per_second = 0;  ///< fp32, on registers, all threads at once
  double bytes_per_second = 0;  ///< memory read and written by a[i] = b[i] + s * c[i], all threads at once
  // The first in other precisions (on the CPU by the best instructions for it); 0: not measured.
  double bf16_multiply_adds_per_second = 0;
  double int8_multiply_adds_per_second = 0;
  double int16_multiply_adds_per_second = 0;
  double tf32_multiply_adds_per_second = 0;
  double fp16_multiply_adds_per_second = 0;
  double fp8_multiply_adds_per_second = 0;

  /// Multiply-adds a second; 0: not measured.
  double& of(Precision precision) {
    switch (precision) {
      case Precision::bf16:
        return bf16_multiply_adds_per_second;
      case Precision::int16:
        return int16_multiply_adds_per_second;
      case Precision::int8:
        return int8_multiply_adds_per_second;
      case Precision::tf32:
        return tf32_multiply_adds_per_second;
      case Precision::fp16:
        return fp16_multiply_adds_per_second;
      case Precision::fp8:
        return fp8_multiply_adds_per_second;
      case Precision::fp32:
        break;
    }
    return multiply_adds_per_second;
  }
  double of(Precision precision) const {
    MachinePeak copy = *this;
    return copy.of(precision);
  }

  /// With another device beside this one.
  MachinePeak& operator+=(const MachinePeak& other) {
    bytes_per_second += other.bytes_per_second;
    for (const Precision precision : kPrecisions) of(precision) += other.of(precision);
    return *this;
  }
};

/// Measures them on all threads of the pool, the best of many tries of a few milliseconds each.
MachinePeak measure_machine_peak(ThreadPool& pool);

/// The same of a GPU: the faster of `mma.sync` on registers and `wgmma` on shared memory, fp32 by FMA, and
/// its memory. `wgmma` is not tried where `without` has it. Throws no_device as make_cuda_engine does.
MachinePeak measure_cuda_peak(int device, const GpuWays& without);

}  // namespace backdrop
