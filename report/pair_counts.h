/// \file
/// Counts over all pairs for the page: who is taken for what, on which backgrounds, by what margin. Private
/// to report/.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "loaders/class_map.h"
#include "search/pair_matrix.h"

namespace backdrop {

/// Labels run from 0 to C - 1; C stands for a prediction that is none of them.
struct PairCounts {
  using Counts = std::vector<std::int64_t>;

  std::vector<Counts> predicted;         ///< [foreground's class][C + 1 labels predicted]
  std::vector<Counts> met;               ///< [foreground's class][background's class], pairs evaluated
  std::vector<Counts> fooled;            ///< the same, of those the fooled ones
  std::vector<Counts> taken_for;         ///< [background's class][C + 1]: fooled foregrounds of other classes
  std::vector<Counts> background_takes;  ///< [background][C + 1]: the same
};

PairCounts count_pairs(const PairMatrix& pairs, std::span<const int> foreground_labels,
                       std::span<const int> background_labels, const ClassMap& map, int classes);

/// The index of the largest count; -1 if all are zero, the first among equal ones.
int largest(std::span<const std::int64_t> counts);

std::int64_t total(std::span<const std::int64_t> counts);

/// Bins of equal width; one of their edges is 0.
struct Histogram {
  std::int64_t first = 0;  ///< the lowest bin goes from first * step to (first + 1) * step
  double step = 1;         ///< 1, 2 or 5 times a power of ten
  std::vector<std::int64_t> counts;

  double edge(std::size_t i) const {
    return static_cast<double>(first + static_cast<std::int64_t>(i)) * step;
  }
};

/// Of the finite values, with at most about 40 bins; none if there is no finite value.
std::optional<Histogram> histogram(std::span<const float> values);

}  // namespace backdrop
