#include "kernels/decide.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace backdrop::kernels {

Decision decide(const float* logits, int classes, const int* in9, int label) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  int best = 0;
  float right = -infinity;
  float wrong = -infinity;
  for (int c = 0; c < classes; ++c) {
    if (std::isnan(logits[c])) return {0, std::numeric_limits<float>::quiet_NaN()};
    if (logits[c] > logits[best]) best = c;
    float& side = in9[c] == label ? right : wrong;
    side = std::max(side, logits[c]);
  }
  return {static_cast<std::int16_t>(best), right - wrong};
}

}  // namespace backdrop::kernels
