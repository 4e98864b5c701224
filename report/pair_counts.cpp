// One pass over the matrix of answers, and histograms of margins.
#include "report/pair_counts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace backdrop {

PairCounts count_pairs(const PairMatrix& pairs, std::span<const int> foreground_labels,
                       std::span<const int> background_labels, const ClassMap& map, int classes) {
  const auto labels = static_cast<std::size_t>(classes);
  const auto table = [](std::size_t rows, std::size_t columns) {
    return std::vector<PairCounts::Counts>(rows, PairCounts::Counts(columns));
  };
  PairCounts counts{table(labels, labels + 1), table(labels, labels), table(labels, labels),
                    table(labels, labels + 1), table(background_labels.size(), labels + 1)};
  for (std::size_t f = 0; f < foreground_labels.size(); ++f) {
    const auto own = static_cast<std::size_t>(foreground_labels[f]);
    for (std::size_t b = 0; b < background_labels.size(); ++b) {
      const int prediction = pairs.predictions[pairs.index(static_cast<int>(f), static_cast<int>(b))];
      if (prediction < 0) continue;
      const auto background = static_cast<std::size_t>(background_labels[b]);
      const int label = map.in9[static_cast<std::size_t>(prediction)];
      const std::size_t predicted = label < 0 || label >= classes ? labels : static_cast<std::size_t>(label);
      ++counts.predicted[own][predicted];
      ++counts.met[own][background];
      if (predicted == own) continue;
      ++counts.fooled[own][background];
      if (own == background) continue;
      ++counts.taken_for[background][predicted];
      ++counts.background_takes[b][predicted];
    }
  }
  return counts;
}

int largest(std::span<const std::int64_t> counts) {
  const auto best = std::max_element(counts.begin(), counts.end());
  return best == counts.end() || *best == 0 ? -1 : static_cast<int>(best - counts.begin());
}

std::int64_t total(std::span<const std::int64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::optional<Histogram> histogram(std::span<const float> values) {
  double lowest = 0, highest = 0;  // 0 is always among the edges
  bool found = false;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    found = true;
    lowest = std::min(lowest, static_cast<double>(value));
    highest = std::max(highest, static_cast<double>(value));
  }
  if (!found) return std::nullopt;
  constexpr double kMostBins = 40;
  const double width = std::max((highest - lowest) / kMostBins, 1e-6);
  const double power = std::pow(10, std::floor(std::log10(width)));
  const double multiple = width / power;
  Histogram bins;
  bins.step = power * (multiple <= 1 ? 1 : multiple <= 2 ? 2 : multiple <= 5 ? 5 : 10);
  const auto bin_of = [&bins](double value) {
    return static_cast<std::int64_t>(std::floor(value / bins.step));
  };
  bins.first = bin_of(lowest);
  bins.counts.resize(static_cast<std::size_t>(bin_of(highest) - bins.first + 1));
  for (const float value : values)
    if (std::isfinite(value)) ++bins.counts[static_cast<std::size_t>(bin_of(value) - bins.first)];
  return bins;
}

}  // namespace backdrop
