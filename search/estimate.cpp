// Bounds by counting, and a limit from the rate of late fooling.
//
// Foregrounds still standing have met k backgrounds each. Those fooled after more than k/2 backgrounds,
// divided by all backgrounds that any foreground met after its first k/2, give a rate of fooling; its upper
// limit is applied to every background still to be met. Foregrounds that are easy to fool drop out first and
// the adaptive order takes the most dangerous backgrounds first, so the true rate falls: the limit errs on
// the low side.
#include "search/estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace backdrop {
namespace {

constexpr double kTail = 0.05;

double poisson_at_most(int events, double mean) {
  double sum = 0;
  for (int i = 0; i <= events; ++i) sum += std::exp(i * std::log(mean) - mean - std::lgamma(i + 1.0));
  return sum;
}

std::optional<double> likely_lower(const ChallengeStatistics& statistics, double upper) {
  const int backgrounds = static_cast<int>(statistics.backgrounds.size());
  int least_met = std::numeric_limits<int>::max();
  for (const ForegroundStatistics& foreground : statistics.foregrounds)
    if (!foreground.vulnerable()) least_met = std::min(least_met, foreground.evaluated);
  if (least_met == std::numeric_limits<int>::max()) return upper;  // every foreground is fooled already
  if (least_met == 0) return std::nullopt;
  const int half = least_met / 2;
  int fooled_late = 0;
  double met_late = 0;
  for (const ForegroundStatistics& foreground : statistics.foregrounds) {
    met_late += std::max(0, foreground.evaluated - half);
    fooled_late += foreground.vulnerable() && foreground.evaluated > half;
  }
  const double rate = std::min(1.0, poisson_upper_limit(fooled_late) / met_late);
  double still_fooled = 0;
  for (const ForegroundStatistics& foreground : statistics.foregrounds)
    if (!foreground.vulnerable()) still_fooled += 1 - std::pow(1 - rate, backgrounds - foreground.evaluated);
  return upper - still_fooled / static_cast<double>(statistics.foregrounds.size());
}

}  // namespace

double poisson_upper_limit(int events) {
  double low = events;
  double high = events + 10 + 5 * std::sqrt(static_cast<double>(events));
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (poisson_at_most(events, middle) > kTail ? low : high) = middle;
  }
  return high;
}

EarlyAnswer early_answer(const ChallengeStatistics& statistics, bool is_adaptive) {
  const auto foregrounds = static_cast<double>(statistics.foregrounds.size());
  const auto backgrounds = static_cast<int>(statistics.backgrounds.size());
  int safe = 0;
  for (const ForegroundStatistics& foreground : statistics.foregrounds)
    safe += !foreground.vulnerable() && foreground.evaluated == backgrounds;
  EarlyAnswer answer;
  answer.upper = statistics.total.challenge_accuracy();
  answer.lower = safe / foregrounds;
  if (is_adaptive) answer.likely_lower = likely_lower(statistics, answer.upper);
  if (answer.likely_lower) answer.likely_lower = std::max(*answer.likely_lower, answer.lower);
  return answer;
}

}  // namespace backdrop
