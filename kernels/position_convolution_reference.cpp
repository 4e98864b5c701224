#include "kernels/position_convolution.h"

namespace backdrop::kernels {

void position_convolution_reference(const ConvolutionShape& shape, const float* weights, const float* bias,
                                    const PositionWork& work, int rows, const RowPointers& input,
                                    const RowPointers* residual, const float* starts, int start_stride,
                                    float slope, float* const* output) {
  const int taps = shape.kernel * shape.kernel;
  const int group_channels = shape.channels / shape.groups;
  const int group_columns = shape.out_channels / shape.groups;
  for (int p = 0; p < work.positions(); ++p) {
    const int start = work.start.empty() ? -1 : work.start[p];
    for (int row = 0; row < rows; ++row) {
      for (int k = 0; k < shape.out_channels; ++k) {
        double sum = start < 0 ? bias[k] : starts[std::ptrdiff_t{start} * start_stride + k];
        for (const Tap& tap : work.taps_of(p))
          for (int c = 0; c < group_channels; ++c)
            sum += static_cast<double>(input.at(tap, row)[k / group_columns * group_channels + c]) *
                   weights[(std::ptrdiff_t{k} * group_channels + c) * taps + tap.weight];
        if (!work.residual.empty()) sum += residual->at(work.residual[p], row)[k];
        output[row][work.output[p] + k] = activate(static_cast<float>(sum), slope);
      }
    }
  }
}

}  // namespace backdrop::kernels
