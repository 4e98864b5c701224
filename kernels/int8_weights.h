/// \file
/// A convolution's weights as signed 8-bit integers, the same for every device.
///
/// The inputs are unsigned: real = input.scale * (stored - input.zero). Each weight takes the scale of the
/// input that it multiplies, and each output channel one scale for all of its weights, so that
///     real sum = scale * (sum of stored input * stored weight + corrections of the taps used).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/reduced_value.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

struct Int8Weights {
  std::vector<std::int8_t> values;        ///< [out_channels][tap][channels of a group]
  std::vector<float> scale;               ///< [out_channels]
  std::vector<std::int32_t> corrections;  ///< [tap][out_channels] what the inputs' zeros take away
};

/// `weights` as in ConvolutionShape, `input` for each input channel; their zeros may be any numbers.
Int8Weights store_int8(const ConvolutionShape& shape, const float* weights,
                       const std::vector<ValueScale>& input);

/// The signed 8-bit form of one output channel's weights, as real = scale * stored: the scale with the least
/// squared error among some near the largest weight's.
float choose_weight_scale(const float* weights, std::size_t count);

}  // namespace backdrop::kernels
