/// \file
/// In which order the pairs of foregrounds and backgrounds are evaluated, and which need not be.
///
/// A plan hands out pieces (one foreground on some backgrounds) and learns their outcome; it knows neither
/// photos nor devices. Both plans walk the backgrounds tile by tile, all foregrounds on one tile before the
/// next, because an engine keeps the features of one tile's backgrounds. Cuts inside a tile lie at multiples
/// of the batch, so that a pair always meets the same companions in its batch, however the work was cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace backdrop {

/// One foreground on several backgrounds. The indices belong to the plan and live as long as it does.
struct Piece {
  int foreground = 0;
  std::span<const int> backgrounds;
};

/// Size of the search and what keeps an engine busy.
struct PlanShape {
  int foregrounds = 0;
  int backgrounds = 0;
  int tile = 0;   ///< consecutive backgrounds to finish before the next ones; 0: all of them
  int batch = 1;  ///< composites of one foreground that run side by side
  int fill = 1;   ///< composites that keep all of the engine's threads busy
};

class WorkPlan {
 public:
  virtual ~WorkPlan() = default;

  /// The next pieces, together about `pairs` composites and at least one batch. Empty when nothing is left.
  /// Every piece handed out before must have been reported with `finish`.
  virtual std::vector<Piece> next(std::size_t pairs) = 0;

  /// Takes a piece's outcome, `fooled[i]` for its i-th background. Returns how many of its leading pairs
  /// belong to the answer: the rest was computed to fill a batch and is dropped.
  virtual std::size_t finish(const Piece& piece, std::span<const std::uint8_t> fooled) = 0;

  /// Pairs that need no more work, evaluated or not.
  virtual std::size_t settled() const = 0;
};

/// Every pair.
std::unique_ptr<WorkPlan> plan_all_pairs(const PlanShape& shape);

/// Each foreground up to and including its first fooling background in plain order, as the published script
/// (challenge_eval.py) stops. All foregrounds still standing advance together, a wave at a time.
std::unique_ptr<WorkPlan> plan_first_fooling(const PlanShape& shape);

}  // namespace backdrop
