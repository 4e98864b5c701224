/// \file
/// Ways to compute on a GPU that a run of these tests does without: those that failed before
/// (scripts/gpu.sh).
#pragma once

#include <cstdlib>
#include <sstream>
#include <string>

#include "engine/gpu_ways.h"

namespace backdrop::test {

/// What BACKDROP_TEST_GPU_WITHOUT names: "wgmma,graphs".
inline GpuWays gpu_without() {
  GpuWays without;
  const char* value = std::getenv("BACKDROP_TEST_GPU_WITHOUT");
  std::istringstream list(value == nullptr ? "" : value);
  for (std::string way; std::getline(list, way, ',');) without.add(gpu_way_named(way).value());
  return without;
}

}  // namespace backdrop::test
