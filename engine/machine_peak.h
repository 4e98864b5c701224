/// \file
/// What this machine can do at most, measured: the two roofs that a layer's time is compared with.
#pragma once

#include <array>
#include <iterator>

#include "core/parallel.h"
#include "engine/gpu_ways.h"
#include "kernels/precision.h"

namespace backdrop {

struct MachinePeak {
  double bytes_per_second = 0;  ///< memory read and written by a[i] = b[i] + s * c[i], all threads at once
  /// On registers, all threads at once, in the order of kPrecisions (on the CPU by the best instructions for
  /// each); 0: not measured.
  std::array<double, std::size(kPrecisions)> multiply_adds_per_second{};

  double& of(Precision precision) { return multiply_adds_per_second[static_cast<std::size_t>(precision)]; }
  double of(Precision precision) const {
    return multiply_adds_per_second[static_cast<std::size_t>(precision)];
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
