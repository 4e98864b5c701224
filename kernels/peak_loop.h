/// \file
/// The most multiply-adds that a thread can do: a loop of fused multiply-adds on registers alone, the roof
/// that profiles and benchmarks measure against.
#pragma once

#include <cstdint>

#include "core/instruction_set.h"

namespace backdrop::kernels {

/// Runs `rounds` of the loop with the instructions of `set`; returns the multiply-adds done. `sink` takes a
/// sum that depends on all of them.
std::int64_t run_peak_loop(InstructionSet set, std::int64_t rounds, float* sink);

/// The loop for each set, as above.
std::int64_t peak_loop_portable(std::int64_t rounds, float* sink);
std::int64_t peak_loop_avx2(std::int64_t rounds, float* sink);
std::int64_t peak_loop_avx512(std::int64_t rounds, float* sink);

}  // namespace backdrop::kernels
