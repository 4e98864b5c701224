// One float at a time, for processors without AVX2.
#include <algorithm>
#include <cstddef>

#include "kernels/position_block.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

void block_portable(const BlockArguments& a, int rows) {
  const std::ptrdiff_t tap_size = std::ptrdiff_t{a.channels} * a.width;
  for (int row = a.first_row; row < a.first_row + rows; ++row) {
    float sums[64];
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

}  // namespace backdrop::kernels
