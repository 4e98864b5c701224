// 4 rows x 2 vectors of 8 floats, over the panel 16 columns at a time: 8 accumulators of the 16 registers.
#include <cstddef>

#include "kernels/position_block.h"
#include "kernels/vector_avx2.h"

namespace backdrop::kernels {
namespace {

#include "kernels/position_block.inl"

}  // namespace

void block_avx2(const BlockArguments& arguments, int rows) {
  for (int skip = 0; skip < arguments.width; skip += 2 * V::kLanes) dispatch_rows<2>(arguments, rows, skip);
}

}  // namespace backdrop::kernels
