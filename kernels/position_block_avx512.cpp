// 4 rows x 4 vectors of 16 floats: 16 accumulators, 4 weights, broadcasts straight from memory.
#include <cstddef>

#include "kernels/position_block.h"
#include "kernels/vector_avx512.h"

namespace backdrop::kernels {
namespace {

#include "kernels/position_block.inl"

}  // namespace

void block_avx512(const BlockArguments& arguments, int rows) {
  switch (arguments.width / V::kLanes) {
    case 1:
      return dispatch_rows<1>(arguments, rows, 0);
    case 2:
      return dispatch_rows<2>(arguments, rows, 0);
    case 3:
      return dispatch_rows<3>(arguments, rows, 0);
    default:
      return dispatch_rows<4>(arguments, rows, 0);
  }
}

}  // namespace backdrop::kernels
