/// \file
/// How an engine shall compute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/calibration.h"
#include "engine/gpu_ways.h"
#include "kernels/precision.h"

namespace backdrop {

/// Tasks of a search that NVIDIA's profilers record, if they were told to wait for cudaProfilerStart.
struct ProfileWindow {
  std::int64_t first = 1;  ///< counted from 1, as they come to the engine; of several GPUs, to the first
  std::int64_t count = 0;  ///< 0: none
};

struct EngineOptions {
  int threads = 0;               ///< CPU threads; 0: all that this process may use
  int batch = 0;                 ///< composites per batch (own kernels on the CPU: at most 16); 0: chosen
  bool reference = false;        ///< the plain reference kernels instead of the tuned ones (slow)
  bool onednn = false;           ///< oneDNN's dense path instead of our own kernels (implies no reuse)
  bool reuse = true;             ///< compute only what each new background changed
  std::size_t cache_memory = 0;  ///< bytes for cached background features; 0: a share of the machine's memory
  Precision precision = Precision::fp32;  ///< below fp32, close decisions are computed again in fp32
  bool choose_precision = false;          ///< instead: whatever is the fastest here, measured by `calibrate`
  std::optional<Calibration> calibration = std::nullopt;  ///< for int8; none: made from the run
  bool portable = false;                                  ///< bf16 and int8 by plain loops (slow: for tests)
  std::vector<int> gpus = {0};                            ///< by index; empty: all of this machine
  ProfileWindow profile_window = {};                      ///< on a GPU
  GpuWays gpu_without = {};                               ///< how not to compute on a GPU
  /// On a GPU: what was measured about its layers is kept here and read at the next start
  /// (engine/measured_plan.h); empty: nowhere. `measure_anew`: it is written, not read.
  std::filesystem::path plan_folder = {};
  bool measure_anew = false;
  /// Hears, in one line, what went wrong harmlessly; from several GPUs' threads at once.
  std::function<void(const std::string&)> complain = {};
};

}  // namespace backdrop
