// Loops over channels that the compiler vectorises; memory-bound, so nothing more is gained by hand.
#include "kernels/position_pool.h"

#include <algorithm>

namespace backdrop::kernels {

void position_max_pool(int channels, const PositionWork& work, int rows, const RowPointers& input,
                       float* const* output) {
  for (int p = 0; p < work.positions(); ++p) {
    const auto taps = work.taps_of(p);
    for (int row = 0; row < rows; ++row) {
      float* out = output[row] + work.output[p];
      std::copy_n(input.at(taps[0], row), channels, out);
      for (const Tap& tap : taps.subspan(1)) {
        const float* in = input.at(tap, row);
        for (int c = 0; c < channels; ++c) out[c] = in[c] > out[c] ? in[c] : out[c];
      }
    }
  }
}

void position_average_pool(int channels, const PositionWork& work, int rows, const RowPointers& input,
                           float* const* output) {
  for (int p = 0; p < work.positions(); ++p) {
    const auto taps = work.taps_of(p);
    const float scale = 1.0f / static_cast<float>(taps.size());
    for (int row = 0; row < rows; ++row) {
      float* out = output[row] + work.output[p];
      std::fill_n(out, channels, 0.0f);
      for (const Tap& tap : taps) {
        const float* in = input.at(tap, row);
        for (int c = 0; c < channels; ++c) out[c] += in[c];
      }
      for (int c = 0; c < channels; ++c) out[c] *= scale;
    }
  }
}

}  // namespace backdrop::kernels
