/// \file
/// Batch normalisation folded into the convolution before it.
///
/// y = gamma * (conv(x) - mean) / sqrt(variance + epsilon) + beta is a convolution with the weights scaled
/// per output channel and another bias. The arithmetic is in double precision, rounded once to fp32.
#pragma once

#include <vector>

namespace backdrop {

/// PyTorch's default, which every supported architecture uses.
inline constexpr double kBatchNormEpsilon = 1e-5;

/// Affine parameters and running statistics, [K] each.
struct BatchNorm {
  std::vector<float> gamma;
  std::vector<float> beta;
  std::vector<float> mean;
  std::vector<float> variance;
};

/// Scales `weights` [K][...] and replaces `bias` [K] (of the convolution alone) by the folded one.
void fold_batch_norm(const BatchNorm& norm, std::vector<float>& weights, std::vector<float>& bias);

}  // namespace backdrop
