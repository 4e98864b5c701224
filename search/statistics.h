/// \file
/// What the answers of a search say: which foregrounds are vulnerable, which backgrounds fool whom.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "search/inputs.h"
#include "search/pair_matrix.h"

namespace backdrop {

struct ForegroundStatistics {
  int evaluated = 0;
  int fooled = 0;             ///< backgrounds on which it is not predicted as its class
  int first_fooling = -1;     ///< the lowest index of them
  int worst_background = -1;  ///< the background with the lowest margin
  float lowest_margin = 0;    ///< NaN if nothing was evaluated

  bool vulnerable() const { return fooled > 0; }
};

/// Foregrounds of the background's own class count in the first two only: a background is judged by the
/// others.
struct BackgroundStatistics {
  int evaluated = 0;
  int fooled = 0;
  int others_evaluated = 0;
  int others_fooled = 0;      ///< foregrounds of other classes that are fooled on it
  int others_into_class = 0;  ///< of those, the ones predicted as the background's class

  double fooled_share() const;      ///< others_fooled / others_evaluated, NaN if none was evaluated
  double into_class_share() const;  ///< others_into_class / others_evaluated, NaN if none was evaluated
};

struct ClassStatistics {
  int foregrounds = 0;
  int vulnerable = 0;

  double challenge_accuracy() const;  ///< NaN for a class without foregrounds
};

struct ChallengeStatistics {
  std::vector<ForegroundStatistics> foregrounds;
  std::vector<BackgroundStatistics> backgrounds;
  std::vector<ClassStatistics> classes;
  ClassStatistics total;
  std::int64_t evaluated = 0;
  std::int64_t fooled = 0;
};

/// Counts over the evaluated pairs. Labels run from 0 to `classes` - 1.
ChallengeStatistics compute_statistics(const PairMatrix& pairs, std::span<const int> foreground_labels,
                                       std::span<const int> background_labels, const ClassMap& map,
                                       int classes);
/// The same with the labels of the search's own photos.
ChallengeStatistics compute_statistics(const PairMatrix& pairs, const ChallengeInput& input,
                                       const ClassMap& map);

/// For each class up to `count` backgrounds that fool the largest share of the other classes' foregrounds;
/// those that fool none are left out. Ties: the larger share fooled into the class, then the lower index.
std::vector<std::vector<int>> most_adversarial_backgrounds(const ChallengeStatistics& statistics,
                                                           std::span<const int> background_labels, int count);

}  // namespace backdrop
