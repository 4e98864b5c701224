/// \file
/// fp32's answer from a faster precision: which decisions are too close to trust, and how the trust is
/// audited.
///
/// A decision is the class with the largest logit; its lead is that logit minus the second. The error of a
/// lead is measured on a sample of the run's own composites, in both precisions. A decision of the fast
/// precision that leads by more than the bound of its foreground's class stands; every other is made again in
/// fp32. Of those that stand, a random share is made again as well: the audit. A second precision, faster
/// than fp32, may be asked in between, by the same rules.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/composite_task.h"
#include "engine/screening_report.h"

namespace backdrop {

inline constexpr float kRecheckSafety = 2.0f;  ///< the bound, over the largest error in a small sample
inline constexpr float kLeastSafety = 1.5f;    ///< the same in a large one, which leaves less unseen
inline constexpr double kRecheckQuantile = 0.95;
inline constexpr double kAuditConfidence = 0.95;      ///< of the bound on wrong answers
inline constexpr std::uint64_t kAuditOneIn = 64;      ///< decisions, one is audited, and in large runs
inline constexpr std::uint64_t kMostAudits = 65536;   ///< about as many as this
inline constexpr std::size_t kSampleForegrounds = 4;  ///< of each class, at least
inline constexpr std::size_t kMostSampleForegrounds = 64;
inline constexpr std::size_t kSampleBackgrounds = 8;  ///< for each of them

/// The composites to measure on: one task for each drawn foreground, on backgrounds that are drawn from the
/// run's by a fixed seed. The more the run has, the more are drawn, up to one in kAuditOneIn: of millions of
/// decisions none may be wrong. Answers are not asked for.
///
/// `audit_one_in` is how many decisions of this run come to one that is audited.
struct CompositeSample {
  CompositeSample() = default;
  CompositeSample(CompositeSample&&) = default;  // a copy's tasks would point into this one
  CompositeSample& operator=(CompositeSample&&) = default;

  std::vector<CompositeTask> tasks;
  std::vector<std::vector<int>> backgrounds;  // what the tasks' spans point to
  std::uint64_t audit_one_in = kAuditOneIn;

  std::size_t size() const;
};

CompositeSample draw_sample(std::span<const CompositeTask> run);

/// By how much at most the fast lead of its best class over any other exceeds fp32's, at least 0: what it
/// falls short by cannot make a decision wrong. Infinite where a logit is not finite.
float lead_error(std::span<const float> fast, std::span<const float> exact);

/// The best logit minus the second; not a number where a logit is not.
float lead(std::span<const float> logits);

/// Collects errors by the foreground's class, and gives each its bound: the safety factor times the class's
/// largest error, or times the quantile of all classes' if that is more (a small sample may miss the tail).
/// The factor falls from kRecheckSafety for the least sample to kLeastSafety for the largest.
class ErrorBounds {
 public:
  void add(int label, float error);
  /// After the last error: quantiles, maxima and bounds.
  void finish();
  /// After that: raises each class's figures to those of the same sample on another device.
  void widen(std::span<const ScreeningReport::ClassError> errors);

  /// A class that was not sampled takes the largest bound of all.
  float of(int label) const;
  const std::vector<ScreeningReport::ClassError>& classes() const { return classes_; }
  float safety() const { return safety_; }

 private:
  std::vector<std::vector<float>> errors_;  // by label
  std::vector<ScreeningReport::ClassError> classes_;
  float safety_ = kRecheckSafety;
  float largest_ = INFINITY;
};

/// Also true for leads that are not finite: an overflow of the fast precision.
inline bool needs_recheck(float lead, float bound) {
  return !(lead > bound) || !std::isfinite(lead);
}

/// A number for a task, from its photo and mask.
std::uint64_t fingerprint(const CompositeTask& task);

/// Whether a decision is audited: by chance, the same in every run over the same data.
bool is_audited(std::uint64_t task_fingerprint, int background, std::uint64_t one_in);

/// The share of wrong answers that `wrong` of `audited` random ones exclude at kAuditConfidence (Clopper and
/// Pearson, one-sided); 1 if none were audited.
double wrong_share_bound(std::int64_t wrong, std::int64_t audited);

}  // namespace backdrop
