// 4 rows x 4 vectors of 16 floats: 16 accumulators, 4 weights, broadcasts straight from memory. A panel is
// one strip.
#include <cstddef>

#include "kernels/position_block.h"
#include "kernels/vector_avx512.h"

namespace backdrop::kernels {
namespace {

constexpr int kRows = 4;
constexpr int kStrip = 64;
constexpr int kUnrolled = 4;

#include "kernels/position_block.inl"

void run(const BlockArguments& arguments, int rows) {
  switch (arguments.width / V::kLanes) {
    case 1:
      return dispatch_rows<kRows, 1>(arguments, rows, 0);
    case 2:
      return dispatch_rows<kRows, 2>(arguments, rows, 0);
    case 3:
      return dispatch_rows<kRows, 3>(arguments, rows, 0);
    default:
      return dispatch_rows<kRows, 4>(arguments, rows, 0);
  }
}

}  // namespace

PositionBlock block_avx512() {
  return {run, kRows, kStrip};
}

}  // namespace backdrop::kernels
