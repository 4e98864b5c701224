// Running means of margins. Sums are taken in the order of learning, so the same run gives the same ranking.
#include "search/background_ranking.h"

#include <algorithm>
#include <cmath>

namespace backdrop {
namespace {

// Margins that count as much as those seen: a background's own effect shows after a few, that of two classes
// is worth believing after some more.
constexpr double kBackgroundWeight = 1;
constexpr double kClassWeight = 4;
// Only to decide between backgrounds about which nothing is known.
constexpr double kOwnClassPenalty = 1e-3;

int highest(const std::vector<int>& labels) {
  return labels.empty() ? 0 : *std::max_element(labels.begin(), labels.end());
}

}  // namespace

BackgroundRanking::BackgroundRanking(std::vector<int> foreground_labels, std::vector<int> background_labels)
    : foreground_labels_(std::move(foreground_labels)),
      background_labels_(std::move(background_labels)),
      classes_(std::max(highest(foreground_labels_), highest(background_labels_)) + 1),
      foreground_means_(foreground_labels_.size()),
      class_effects_(static_cast<std::size_t>(classes_) * static_cast<std::size_t>(classes_)),
      background_effects_(background_labels_.size()) {}

void BackgroundRanking::learn(int foreground, std::span<const int> backgrounds,
                              std::span<const float> margins) {
  const int label = foreground_labels_[static_cast<std::size_t>(foreground)];
  Mean& own = foreground_means_[static_cast<std::size_t>(foreground)];
  for (const float margin : margins) {
    if (!std::isfinite(margin)) continue;
    own.sum += margin;
    own.count += 1;
  }
  for (std::size_t i = 0; i < backgrounds.size(); ++i) {
    if (!std::isfinite(margins[i])) continue;
    const int background = backgrounds[i];
    Mean& classes = class_effects_[place_of_effect(label, background)];
    Mean& effect = background_effects_[static_cast<std::size_t>(background)];
    const double left_over = margins[i] - own.sum / own.count;
    effect.sum += left_over - classes.drawn_to_zero(kClassWeight);
    effect.count += 1;
    classes.sum += left_over;
    classes.count += 1;
  }
}

double BackgroundRanking::score(int label, int background) const {
  const double penalty = background_label(background) == label ? kOwnClassPenalty : 0;
  return class_effects_[place_of_effect(label, background)].drawn_to_zero(kClassWeight) +
         background_effects_[static_cast<std::size_t>(background)].drawn_to_zero(kBackgroundWeight) + penalty;
}

}  // namespace backdrop
