/// \file
/// A convolution's weights and the scales of its inputs as e4m3.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/reduced_value.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

/// real sum = scale * sum of stored input * stored weight.
struct Fp8Weights {
  std::vector<std::uint8_t> values;  ///< [out_channels][tap][channels of a group]
  std::vector<float> scale;          ///< [out_channels]
};

/// `weights` as in ConvolutionShape; the largest of each output channel becomes e4m3's largest number.
Fp8Weights store_fp8(const ConvolutionShape& shape, const float* weights, float input_scale);

/// What one unit of a stored activation is worth, from its 8-bit range: the range's end lies two powers of
/// two below e4m3's largest number, since that costs no precision and what is beyond the range is kept too.
float fp8_scale(const ValueScale& scale);

}  // namespace backdrop::kernels
