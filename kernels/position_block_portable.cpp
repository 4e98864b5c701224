// For processors without AVX2, and the choice between the sets: 6 rows by as many vectors of four floats as
// there are registers for.
#include <cstddef>

#include "kernels/position_block.h"
#include "kernels/vector_portable.h"

namespace backdrop::kernels {
namespace {

constexpr int kRows = 6;
#if defined(__aarch64__)
constexpr int kVectors = 4;  // of 32 registers
#else
constexpr int kVectors = 2;  // of 16
#endif
constexpr int kStrip = kVectors * V::kLanes;
constexpr int kUnrolled = 1;

#include "kernels/position_block.inl"

}  // namespace

PositionBlock block_portable() {
  return {run_strips<kRows, kVectors>, kRows, kStrip};
}

PositionBlock position_block(InstructionSet set) {
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx512:
      return block_avx512();
    case InstructionSet::avx2:
      return block_avx2();
#endif
    default:
      return block_portable();
  }
}

}  // namespace backdrop::kernels
