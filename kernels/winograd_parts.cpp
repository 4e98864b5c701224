#include "kernels/winograd_parts.h"

namespace backdrop::kernels {
namespace {

// G of F(4, 3), with the points 0, 1, -1, 2, -2.
constexpr double kFilterPoints[kTileInputs][3] = {{1.0 / 4, 0, 0},
                                                  {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                                  {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                                  {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                                  {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                                  {0, 0, 1}};

}  // namespace

std::vector<float> transform_filters(const ConvolutionShape& shape, const float* weights) {
  std::vector<float> result;
  result.reserve(std::size_t(shape.channels) * shape.out_channels * kTilePoints);
  for (std::int64_t f = 0; f < std::int64_t{shape.channels} * shape.out_channels; ++f) {
    for (const auto& y : kFilterPoints) {
      for (const auto& x : kFilterPoints) {
        double sum = 0;
        for (int i = 0; i < 3; ++i)
          for (int j = 0; j < 3; ++j) sum += y[i] * weights[f * 9 + 3 * i + j] * x[j];
        result.push_back(static_cast<float>(sum));
      }
    }
  }
  return result;
}

}  // namespace backdrop::kernels
