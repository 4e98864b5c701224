/// \file
/// What a search that was stopped early can say about the challenge accuracy.
#pragma once

#include <optional>

#include "search/statistics.h"

namespace backdrop {

/// Bounds hold whatever comes. The likely lower end rests on an assumption.
struct EarlyAnswer {
  double upper = 1;  ///< no foreground still standing is fooled by the rest
  double lower = 0;  ///< all that have not met every background are
  /// With 95% confidence the accuracy is no lower, if the rate at which the foregrounds still standing are
  /// fooled does not rise in the backgrounds that they have not met. Empty where nothing speaks for that: in
  /// the plain order, which goes class by class, and before every foreground has met some background.
  std::optional<double> likely_lower;
};

/// The assumption behind `likely_lower`, in words.
inline constexpr const char* kEarlyAnswerAssumption =
    "the rate at which foregrounds still standing are fooled does not rise in the backgrounds they have not "
    "met; it is taken from the second half of those they have met (one-sided 95% Poisson limit)";

EarlyAnswer early_answer(const ChallengeStatistics& statistics, bool is_adaptive);

/// The mean at which a Poisson variable is at most `events` in 5% of cases.
double poisson_upper_limit(int events);

}  // namespace backdrop
