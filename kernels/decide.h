/// \file
/// From logits to the two numbers that the search keeps of a composite: the predicted class and the margin.
#pragma once

#include <cstdint>

namespace backdrop::kernels {

/// `prediction` is the model's own class: argmax, ties to the lowest index. `margin` is the best logit of a
/// class that counts as the label minus the best logit of all other classes; +-infinity where one side has no
/// class. A NaN among the logits gives a NaN margin: the caller must refuse the result.
struct Decision {
  std::int16_t prediction = 0;
  float margin = 0.0f;
};

/// `in9[c]` is the IN-9 label of class c or -1.
Decision decide(const float* logits, int classes, const int* in9, int label);

}  // namespace backdrop::kernels
