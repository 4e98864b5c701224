/// \file
/// What the suites share: the context of the figures, and the check that comes before every clock.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "engine/machine_peak.h"

namespace backdrop::suite {

std::vector<float> random_values(std::size_t count, std::mt19937& generator);

/// Skips a benchmark whose answer is wrong; run() then returns 1.
void refuse(benchmark::State& state, const char* why);

/// True if every value is within `tolerance` of the largest expected one; otherwise the benchmark is refused.
bool check(benchmark::State& state, std::span<const float> actual, std::span<const float> expected,
           float tolerance);

/// GFLOP/s and the share of the peak, for a loop that does so many multiply-adds each time.
void count_multiply_adds(benchmark::State& state, double multiply_adds, const MachinePeak& peak);

/// GB/s and the share of the memory's bandwidth (above 1: from caches).
void count_bytes(benchmark::State& state, double bytes, const MachinePeak& peak);

/// What `threads` threads can do here: measured on the first call and put into the context.
const MachinePeak& peak_of(int threads);

/// Adds the context (processor, instruction sets, GPU, driver, CUDA, cuDNN, revision, peak), then runs what
/// is registered. Returns the exit status.
int run(int argc, char** argv);

}  // namespace backdrop::suite
