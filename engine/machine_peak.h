/// \file
/// What this machine can do at most, measured: the two roofs that a layer's time is compared with.
#pragma once

#include "core/parallel.h"

namespace backdrop {

struct MachinePeak {
  double multiply_adds_per_second = 0;  ///< fp32, on registers, all threads at once
  double bytes_per_second = 0;  ///< memory read and written by a[i] = b[i] + s * c[i], all threads at once
};

/// Measures both on all threads of the pool, the best of many tries of a few milliseconds each.
MachinePeak measure_machine_peak(ThreadPool& pool);

}  // namespace backdrop
