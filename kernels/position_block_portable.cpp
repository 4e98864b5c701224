// One float at a time, for processors without AVX2, and the choice between the sets.
#include <algorithm>
#include <cstddef>

#include "kernels/position_block.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {
namespace {

constexpr int kRows = 4;
constexpr int kStrip = 64;

void run(const BlockArguments& a, int rows) {
  const std::ptrdiff_t tap_size = std::ptrdiff_t{a.channels} * a.width;
  for (int row = a.first_row; row < a.first_row + rows; ++row) {
    float sums[kStrip];
    std::copy_n(a.start, a.width, sums);
    for (int t = 0; t < a.tap_count; ++t) {
      const float* input = a.input->at(a.taps[t], row) + a.first_channel;
      const float* weights = a.panel + a.taps[t].weight * tap_size;
      for (int c = 0; c < a.channels; ++c, weights += a.width)
        for (int k = 0; k < a.width; ++k) sums[k] += input[c] * weights[k];
    }
    const float* residual =
        a.residual_tap != nullptr ? a.residual->at(*a.residual_tap, row) + a.first_column : nullptr;
    float* out = a.output[row] + a.output_offset + a.first_column;
    for (int k = 0; k < a.columns; ++k)
      out[k] = activate(sums[k] + (residual != nullptr ? residual[k] : 0.0f), a.slope);
  }
}

}  // namespace

PositionBlock block_portable() {
  return {run, kRows, kStrip};
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
