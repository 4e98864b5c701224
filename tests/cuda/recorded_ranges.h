/// \file
/// Stands where a profiler would and notes the names of the ranges that it is told of (engine/cuda_range.h),
/// by any thread.
#pragma once

#include <string>
#include <vector>

namespace backdrop::test {

/// The ranges begun since the last call, in order, each as its path: "batch/reduce/fc".
std::vector<std::string> take_ranges();
/// How many ranges have begun and not ended.
int open_ranges();

}  // namespace backdrop::test
