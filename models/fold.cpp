/// \file
/// Folding of batch normalisation, see fold.h.
#include "models/fold.h"

#include <cmath>
#include <cstddef>

namespace backdrop {

void fold_batch_norm(const BatchNorm& norm, std::vector<float>& weights, std::vector<float>& bias) {
  const std::size_t channels = norm.gamma.size();
  const std::size_t weights_per_channel = weights.size() / channels;
  for (std::size_t k = 0; k < channels; ++k) {
    const double scale = norm.gamma[k] / std::sqrt(static_cast<double>(norm.variance[k]) + kBatchNormEpsilon);
    float* row = weights.data() + k * weights_per_channel;
    for (std::size_t i = 0; i < weights_per_channel; ++i) row[i] = static_cast<float>(row[i] * scale);
    bias[k] = static_cast<float>(norm.beta[k] + (static_cast<double>(bias[k]) - norm.mean[k]) * scale);
  }
}

}  // namespace backdrop
