/// \file
/// The most multiply-adds that a thread can do: a loop of multiply-adds on registers alone, the roof
/// that profiles and benchmarks measure against.
#pragma once

#include <cstdint>

#include "core/instruction_set.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

/// Runs `rounds` of the loop with the instructions of `set`; returns the multiply-adds done. `sink` takes a
/// sum that depends on all of them.
std::int64_t run_peak_loop(InstructionSet set, std::int64_t rounds, float* sink);

/// The same with products of bfloat16 or of 8 or 16 bits, where has_dot_instructions(precision); elsewhere
/// nothing is done.
std::int64_t run_dot_peak_loop(Precision precision, std::int64_t rounds, float* sink);

/// The loop for each set, as above.
std::int64_t peak_loop_portable(std::int64_t rounds, float* sink);
std::int64_t peak_loop_avx2(std::int64_t rounds, float* sink);
std::int64_t peak_loop_avx512(std::int64_t rounds, float* sink);
std::int64_t peak_loop_bf16_avx512(std::int64_t rounds, float* sink);
std::int64_t peak_loop_int8_vnni(std::int64_t rounds, float* sink);
std::int64_t peak_loop_int16_vnni(std::int64_t rounds, float* sink);
std::int64_t peak_loop_bf16_amx(std::int64_t rounds, float* sink);
std::int64_t peak_loop_int8_amx(std::int64_t rounds, float* sink);
std::int64_t peak_loop_int16_avx2(std::int64_t rounds, float* sink);

}  // namespace backdrop::kernels
