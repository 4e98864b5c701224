/// \file
/// How long something takes on the GPU.
#pragma once

#include <functional>
#include <limits>

#include "engine/cuda_stream.h"

namespace backdrop {

/// Milliseconds of a run on `stream`, on which `run` enqueues it: the mean of three, after one or two that
/// are not counted. Infinite if the first one alone takes longer than three of `most` and what a launch may.
double milliseconds(const CudaStream& stream, const std::function<void()>& run,
                    double most = std::numeric_limits<double>::infinity());

/// To be called before the first measurement: the clocks of an idle GPU are low, and rise while it works.
void warm_up(const CudaStream& stream, const std::function<void()>& run);

}  // namespace backdrop
