/// \file
/// The widest vector instructions that our own kernels may use here.
#pragma once

#include <string>
#include <vector>

namespace backdrop {

enum class InstructionSet { portable, avx2, avx512 };

/// What this processor and operating system support.
InstructionSet best_instruction_set();

/// Every set that can run here, narrowest first.
std::vector<InstructionSet> usable_instruction_sets();

/// "portable", "AVX2" or "AVX-512".
std::string name(InstructionSet set);

/// Of the instructions that any kernel uses those that the processor has, for people: "AVX2 FMA AVX-512F".
std::string supported_instructions();

}  // namespace backdrop
