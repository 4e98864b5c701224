/// \file
/// A convolution's weights as signed 16-bit integers, whose sums of products with 16-bit values fit 32 bits
/// whatever the values are.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/reduced_value.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

struct Int16Weights {
  std::vector<std::int16_t> values;  ///< as the weights: [out_channels][channels of a group][tap]
  std::vector<float> scale;  ///< [out_channels], or [tap][out_channels] where each tap has its own sum
};

/// real = scale * sum of values * inputs. `input_scale`: what a unit of the input is worth; stored inputs are
/// at most kInt16Most, and `nonnegative` if none is below 0: positive and negative weights do not add up
/// then.
Int16Weights store_int16(const ConvolutionShape& shape, const float* weights, float input_scale,
                         bool nonnegative);

/// The same with a sum for each tap, whose inputs have scales of their own and are at most `largest_input`.
Int16Weights store_int16_by_tap(const ConvolutionShape& shape, const float* weights,
                                const std::vector<float>& input_scales, int largest_input);

/// How large the inputs of a sum over so many channels had best be, for as many bits to be left for weights.
int balanced_largest_input(int channels);

}  // namespace backdrop::kernels
