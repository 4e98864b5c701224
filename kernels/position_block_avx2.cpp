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

#include "kernels/position_block.inl"

void run(const BlockArguments& arguments, int rows) {
  for (int skip = 0; skip < arguments.width; skip += kStrip)
    dispatch_rows<kRows, kVectors>(arguments, rows, skip);
}

}  // namespace

PositionBlock block_avx2() {
  return {run, kRows, kStrip};
}

}  // namespace backdrop::kernels
