/// \file
/// The blocks of a search computed on all ranks of an mpirun.
///
/// Rank 0 runs the search - plan, journal, results - and is the only one that writes. It sends each wave's
/// blocks to the other ranks; all of them, rank 0 too, take blocks by the lanes' counters (mpi_lanes.h),
/// compute them on an engine of their own and give the answers to rank 0. The answers are those of one
/// process, since blocks are.
///
/// \code
/// if (ranks->rank() > 0) {
///   serve_blocks(*ranks, *engine, input, stop);
/// } else {
///   RankExecutor executor(*ranks, *engine, input, 0);
///   hooks.executor = &executor;
///   SearchResult result = run_search(*engine, input, map, *plan, shape, hooks);
/// }
/// \endcode
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "search/block.h"
#include "search/mpi_ranks.h"
#include "search/rank_work.h"
#include "search/run_identity.h"

namespace backdrop {

/// Rank 0's text, on every rank. All ranks call it; what the others pass is ignored.
std::string text_of_first(Ranks& ranks, const std::string& text);

/// Throws bad_input, with the first difference, if this rank's run is not rank 0's. All ranks call it.
void require_same_run(Ranks& ranks, const RunIdentity& identity);

class WaveState;

/// Rank 0's part.
class RankExecutor : public BlockExecutor {
 public:
  /// `classes_to_keep` is the number of logits a pair that the answers shall have, or 0.
  RankExecutor(Ranks& ranks, Engine& engine, const ChallengeInput& input, std::size_t classes_to_keep);
  /// Tells the other ranks that the search is over, unless they do not answer any more: leave_ranks ends
  /// them.
  ~RankExecutor() override;
  RankExecutor(const RankExecutor&) = delete;
  RankExecutor& operator=(const RankExecutor&) = delete;

  /// When `done` throws, the other ranks finish the blocks in their hands first, in vain. Throws
  /// RefutedBounds whichever rank's audit finds a wrong answer.
  void run(std::span<const Block* const> blocks, const Done& done) override;

  /// What each rank has done, [ranks]: the others' as of the last wave that was finished.
  std::vector<RankWork> work() const;

 private:
  void work_through(WaveState& wave, std::span<const Block* const> blocks);
  void receive(WaveState& wave);
  void call_back(WaveState& wave);

  Ranks& ranks_;
  Engine& engine_;
  const ChallengeInput& input_;
  std::size_t classes_to_keep_;
  std::vector<RankWork> work_;  // rank 0's own without its engine's counts
  bool broken_off_ = false;     // ranks may be anywhere
};

/// The part of the others: computes blocks until rank 0 has no more. An audit that finds a wrong answer is
/// left to rank 0, which has the run's journal. Throws interrupted, after the block in hand, when `stop` says
/// so.
void serve_blocks(Ranks& ranks, Engine& engine, const ChallengeInput& input,
                  const std::function<bool()>& stop);

}  // namespace backdrop
