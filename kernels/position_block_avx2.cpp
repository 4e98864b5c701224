// 6 rows x 2 vectors of 8 floats: 12 accumulators, 2 weights and a broadcast of the 16 registers. A panel is
// strips of 16 columns.
#include <cstddef>

#include "kernels/position_block.h"
#include "kernels/vector_avx2.h"

namespace backdrop::kernels {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = 2;
constexpr int kStrip = kVectors * 8;
constexpr int kUnrolled = 4;

#include "kernels/position_block.inl"

}  // namespace

PositionBlock block_avx2() {
  return {run_strips<kRows, kVectors>, kRows, kStrip};
}

}  // namespace backdrop::kernels
