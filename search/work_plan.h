/// \file
/// In which order the pairs of foregrounds and backgrounds are evaluated, and which need not be.
///
/// A plan hands out waves of pieces (one foreground on some backgrounds) and learns their outcome; it knows
/// neither photos nor devices. Pieces of one wave are independent of each other. All plans walk the
/// backgrounds tile by tile, all foregrounds on one tile before the next, because an engine keeps the
/// features of one tile's backgrounds. A plan depends on its arguments and the outcomes alone, never on time:
/// repeated with the outcomes of a journal, it arrives where the run was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace backdrop {

/// One foreground on several backgrounds. The indices belong to the plan and live until its next wave.
struct Piece {
  int foreground = 0;
  std::span<const int> backgrounds;
};

/// Size of the search and what keeps an engine busy.
struct PlanShape {
  int foregrounds = 0;
  int backgrounds = 0;
  int tile = 0;   ///< backgrounds to finish before the next ones; 0: all of them
  int batch = 1;  ///< composites of one foreground that run side by side
  int fill = 1;   ///< composites that keep all of the engine's threads busy

  bool operator==(const PlanShape&) const = default;

  /// Composites to hand to the engine in one call: enough that its threads end together, and few enough
  /// that little is lost when the run is killed.
  std::size_t block_pairs() const;
};

class WorkPlan {
 public:
  virtual ~WorkPlan() = default;

  /// The next pieces, to be computed in any order; empty when nothing is left. Every piece of the wave before
  /// must have been reported with `finish`.
  virtual std::vector<Piece> next_wave() = 0;

  /// Takes a piece's outcome, `fooled[i]` and `margins[i]` for its i-th background; pieces must be reported
  /// in the order of the wave. Returns how many of its leading pairs belong to the answer: the rest was
  /// computed to fill a batch and is dropped.
  virtual std::size_t finish(const Piece& piece, std::span<const std::uint8_t> fooled,
                             std::span<const float> margins) = 0;

  /// Pairs that need no more work, evaluated or not.
  virtual std::size_t settled() const = 0;
};

/// Every pair.
std::unique_ptr<WorkPlan> plan_all_pairs(const PlanShape& shape);

/// Each foreground up to and including its first fooling background in plain order, as the published script
/// (challenge_eval.py) stops. All foregrounds still standing advance together, a wave at a time.
std::unique_ptr<WorkPlan> plan_first_fooling(const PlanShape& shape);

/// Each foreground until some background fools it, those first that are likely to: the same vulnerable
/// foregrounds for fewer pairs. See adaptive_plan.cpp for how backgrounds are ranked.
std::unique_ptr<WorkPlan> plan_adaptive(const PlanShape& shape, std::vector<int> foreground_labels,
                                        std::vector<int> background_labels);

/// Backgrounds by which foregrounds advance in the next wave, when each of `standing` has seen `seen`.
std::size_t wave_step(const PlanShape& shape, std::size_t standing, std::size_t seen);

}  // namespace backdrop
