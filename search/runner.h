/// \file
/// Runs a work plan on an engine and collects the answers.
///
/// \code
/// prepare_engine(*engine, input);
/// PlanShape shape = plan_shape(*engine, input);
/// auto plan = make_plan("all", "plain", shape, input);
/// SearchResult result = run_search(*engine, input, map, *plan, shape, {});
/// \endcode
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "search/block.h"
#include "search/inputs.h"
#include "search/journal.h"
#include "search/pair_matrix.h"
#include "search/work_plan.h"

namespace backdrop {

/// Answers of one foreground on several backgrounds.
struct PairAnswers {
  int foreground = 0;
  std::span<const int> backgrounds;
  std::span<const std::int16_t> predictions;
  std::span<const float> margins;
  std::span<const float> logits;  ///< [B][classes], empty unless a sink wants them
};

/// Receives answers as they are finished.
class PairSink {
 public:
  virtual ~PairSink() = default;
  virtual bool wants_logits() const { return false; }
  virtual void store(const PairAnswers& answers) = 0;
};

struct SearchProgress {
  std::size_t settled = 0;    ///< pairs that need no more work
  std::size_t total = 0;      ///< F * B
  std::size_t evaluated = 0;  ///< composites computed so far, those of the journal included
  std::size_t resumed = 0;    ///< of those, the ones that the journal already had
  int vulnerable = 0;         ///< foregrounds fooled so far
  double seconds = 0;
};

/// What the caller wants to hear of a search, and its ways to stop one. All are called from the caller's own
/// thread, after every block.
struct SearchHooks {
  std::function<void(const SearchProgress&)> progress;
  std::function<bool()> stop;                         ///< true: the search throws `interrupted`
  std::function<bool(const SearchProgress&)> enough;  ///< true: the search returns what it has
  std::vector<PairSink*> sinks;
  Journal* journal = nullptr;         ///< blocks in it are not computed again, new ones are added
  bool can_resume = true;             ///< whether another search may go on with the journal
  BlockExecutor* executor = nullptr;  ///< computes the blocks; null: the engine does
};

struct SearchResult {
  PairMatrix pairs;
  std::size_t evaluated = 0;      ///< composites computed
  std::size_t recorded = 0;       ///< of those, the ones that belong to the answer
  std::size_t resumed = 0;        ///< of those evaluated, the ones that the journal already had
  ScreeningCounts decided_again;  ///< of those evaluated, below fp32
  bool complete = true;           ///< false: `enough` ended it
  double seconds = 0;
};

/// Every foreground on all backgrounds, as tasks that ask for no answers.
struct WholeRun {
  std::vector<int> backgrounds;
  std::vector<CompositeTask> tasks;

  explicit WholeRun(const ChallengeInput& input);
  WholeRun(const WholeRun&) = delete;
  WholeRun& operator=(const WholeRun&) = delete;
};

/// Gives the engine the backgrounds to keep, the masks to expect, and the run to calibrate on, which `stop`
/// can end with `interrupted`. Before `plan_shape`: the tile depends on them. Throws usage for a model of
/// more classes than predictions can tell apart.
void prepare_engine(Engine& engine, const ChallengeInput& input, const StopAsked& stop = {});

/// The size of the search with what keeps this engine busy. `engines` of its kind that divide the backgrounds
/// of a wave among them keep so many times as many.
PlanShape plan_shape(const Engine& engine, const ChallengeInput& input, int engines = 1);

/// The plan of a mode, "all" or "first", and an order, "plain" or "adaptive", as records name them.
std::unique_ptr<WorkPlan> make_plan(std::string_view mode, std::string_view order, const PlanShape& shape,
                                    const ChallengeInput& input);

/// Works through the plan, which was made for `shape`. The engine must have been prepared with the input.
/// Throws interrupted when `hooks.stop` says so: the block in hand is finished and stored first. What the
/// journal holds is discarded where the engine throws RefutedBounds (engine/screening.h).
SearchResult run_search(Engine& engine, const ChallengeInput& input, const ClassMap& map, WorkPlan& plan,
                        const PlanShape& shape, const SearchHooks& hooks);

}  // namespace backdrop
