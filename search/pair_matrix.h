/// \file
/// The answers of a search: one prediction and one margin for each pair, [F][B].
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "loaders/class_map.h"

namespace backdrop {

struct PairMatrix {
  int foregrounds = 0;
  int backgrounds = 0;
  std::vector<std::int16_t> predictions;  ///< the model's own class; -1: not evaluated
  std::vector<float> margins;             ///< best right logit minus the best wrong one; NaN: not evaluated

  PairMatrix() = default;
  /// Nothing is evaluated.
  PairMatrix(int foreground_count, int background_count)
      : foregrounds(foreground_count),
        backgrounds(background_count),
        predictions(index(foreground_count, 0), -1),
        margins(predictions.size(), std::numeric_limits<float>::quiet_NaN()) {}

  std::size_t index(int foreground, int background) const {
    return static_cast<std::size_t>(foreground) * static_cast<std::size_t>(backgrounds) +
           static_cast<std::size_t>(background);
  }
};

/// Whether a prediction of the model counts as `label`.
inline bool is_correct(const ClassMap& map, int prediction, int label) {
  return map.in9[static_cast<std::size_t>(prediction)] == label;
}

}  // namespace backdrop
