/// \file
/// How likely a background is to fool the foregrounds of a class, learned from the margins seen so far.
///
/// A margin is modelled as a sum: its foreground's own mean, an effect of the two classes (this foreground's
/// on that background's) and an effect of the background. Both effects are running means of what the parts
/// before leave over, drawn towards zero while few margins support them. The lower the sum of the two, the
/// earlier the background's turn. Before anything is known, backgrounds of the foreground's own class come
/// last.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace backdrop {

class BackgroundRanking {
 public:
  /// There is a number for each two labels up to the highest: they had better be without gaps.
  BackgroundRanking(std::vector<int> foreground_labels, std::vector<int> background_labels);

  /// Learns the margins of one foreground on some backgrounds.
  void learn(int foreground, std::span<const int> backgrounds, std::span<const float> margins);

  /// The expected margin of a foreground of class `label` on a background, but for the foreground's own mean.
  double score(int label, int background) const;

  int classes() const { return classes_; }

 private:
  struct Mean {
    double sum = 0;
    double count = 0;
    double drawn_to_zero(double weight) const { return sum / (count + weight); }
  };

  /// In class_effects_.
  std::size_t place_of_effect(int label, int background) const {
    return static_cast<std::size_t>(label) * static_cast<std::size_t>(classes_) +
           static_cast<std::size_t>(background_label(background));
  }
  int background_label(int background) const {
    return background_labels_[static_cast<std::size_t>(background)];
  }

  std::vector<int> foreground_labels_;
  std::vector<int> background_labels_;
  int classes_ = 0;
  std::vector<Mean> foreground_means_;
  std::vector<Mean> class_effects_;  // [foreground's class][background's class]
  std::vector<Mean> background_effects_;
};

}  // namespace backdrop
