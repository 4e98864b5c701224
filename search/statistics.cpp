// Counts over the matrix of predictions.
#include "search/statistics.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace backdrop {
namespace {

double share(int part, int whole) {
  return whole > 0 ? static_cast<double>(part) / whole : std::numeric_limits<double>::quiet_NaN();
}

/// Takes one evaluated pair into the counts of its foreground and its background.
void count_pair(ForegroundStatistics& foreground, BackgroundStatistics& background, int background_index,
                int foreground_label, int background_label, int predicted_label, float margin) {
  const bool fooled = predicted_label != foreground_label;
  ++foreground.evaluated;
  foreground.fooled += fooled;
  if (fooled && foreground.first_fooling < 0) foreground.first_fooling = background_index;
  if (foreground.worst_background < 0 || margin < foreground.lowest_margin) {
    foreground.worst_background = background_index;
    foreground.lowest_margin = margin;
  }
  ++background.evaluated;
  background.fooled += fooled;
  if (foreground_label == background_label) return;
  ++background.others_evaluated;
  background.others_fooled += fooled;
  background.others_into_class += predicted_label == background_label;
}

}  // namespace

double BackgroundStatistics::fooled_share() const {
  return share(others_fooled, others_evaluated);
}
double BackgroundStatistics::into_class_share() const {
  return share(others_into_class, others_evaluated);
}
double ClassStatistics::challenge_accuracy() const {
  return share(foregrounds - vulnerable, foregrounds);
}

ChallengeStatistics compute_statistics(const PairMatrix& pairs, std::span<const int> foreground_labels,
                                       std::span<const int> background_labels, const ClassMap& map,
                                       int classes) {
  ChallengeStatistics statistics;
  statistics.foregrounds.resize(foreground_labels.size());
  statistics.backgrounds.resize(background_labels.size());
  statistics.classes.resize(static_cast<std::size_t>(classes));
  for (std::size_t f = 0; f < foreground_labels.size(); ++f) {
    ForegroundStatistics& foreground = statistics.foregrounds[f];
    foreground.lowest_margin = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t b = 0; b < background_labels.size(); ++b) {
      const std::size_t pair = pairs.index(static_cast<int>(f), static_cast<int>(b));
      const int prediction = pairs.predictions[pair];
      if (prediction < 0) continue;
      count_pair(foreground, statistics.backgrounds[b], static_cast<int>(b), foreground_labels[f],
                 background_labels[b], map.in9[static_cast<std::size_t>(prediction)], pairs.margins[pair]);
    }
    statistics.evaluated += foreground.evaluated;
    statistics.fooled += foreground.fooled;
    for (ClassStatistics* group :
         {&statistics.classes[static_cast<std::size_t>(foreground_labels[f])], &statistics.total}) {
      ++group->foregrounds;
      group->vulnerable += foreground.vulnerable();
    }
  }
  return statistics;
}

ChallengeStatistics compute_statistics(const PairMatrix& pairs, const ChallengeInput& input,
                                       const ClassMap& map) {
  return compute_statistics(pairs, input.foreground_labels(), input.background_labels(), map,
                            static_cast<int>(input.classes.size()));
}

std::vector<std::vector<int>> most_adversarial_backgrounds(const ChallengeStatistics& statistics,
                                                           std::span<const int> background_labels,
                                                           int count) {
  std::vector<std::vector<int>> by_class(statistics.classes.size());
  for (std::size_t b = 0; b < background_labels.size(); ++b)
    if (statistics.backgrounds[b].others_fooled > 0)
      by_class[static_cast<std::size_t>(background_labels[b])].push_back(static_cast<int>(b));
  const auto rank = [&statistics](int b) {
    const BackgroundStatistics& background = statistics.backgrounds[static_cast<std::size_t>(b)];
    return std::tuple(-background.fooled_share(), -background.into_class_share(), b);
  };
  for (std::vector<int>& backgrounds : by_class) {
    std::sort(backgrounds.begin(), backgrounds.end(), [&](int a, int b) { return rank(a) < rank(b); });
    backgrounds.resize(std::min(backgrounds.size(), static_cast<std::size_t>(std::max(count, 0))));
  }
  return by_class;
}

}  // namespace backdrop
