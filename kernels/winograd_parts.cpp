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
    const float* const filter = weights + f * 9;
    for (const auto& y : kFilterPoints) {
      double row[3];
      for (int j = 0; j < 3; ++j) row[j] = y[0] * filter[j] + y[1] * filter[3 + j] + y[2] * filter[6 + j];
      for (const auto& x : kFilterPoints)
        result.push_back(static_cast<float>(row[0] * x[0] + row[1] * x[1] + row[2] * x[2]));
    }
  }
  return result;
}

}  // namespace backdrop::kernels
