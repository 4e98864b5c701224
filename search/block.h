/// \file
/// The unit in which a search is computed and kept: some pieces of one wave, computed in one call of the
/// engine, in the journal whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "search/inputs.h"
#include "search/work_plan.h"

namespace backdrop {

struct Block {
  std::uint64_t number = 0;  ///< counted from 0 over the whole run
  std::vector<Piece> pieces;
  std::size_t pairs = 0;  ///< composites of all its pieces
};

/// The answers of a block's pairs, piece after piece.
struct BlockAnswers {
  std::vector<std::int16_t> predictions;  ///< [pairs]
  std::vector<float> margins;             ///< [pairs]
  std::vector<float> logits;              ///< [pairs][classes], empty unless asked for
  ScreeningCounts decided_again;          ///< below fp32
};

/// Cuts a wave into blocks of `pairs` or a few more, numbered from `first_number`. A piece is never cut.
std::vector<Block> cut_into_blocks(const std::vector<Piece>& wave, std::uint64_t first_number,
                                   std::size_t pairs);

/// Computes a block in one call. `classes_to_keep` is the number of logits a pair to return, or 0.
BlockAnswers compute_block(Engine& engine, const ChallengeInput& input, const Block& block,
                           std::size_t classes_to_keep);

/// Computes the blocks of a wave wherever it likes: on this engine, or on other processes.
class BlockExecutor {
 public:
  using Done = std::function<void(const Block&, BlockAnswers)>;

  virtual ~BlockExecutor() = default;

  /// Computes all `blocks`, in any order, and calls `done` for each from the calling thread. What `done`
  /// throws (a stop, a full disk) ends the search: it must leave this function.
  virtual void run(std::span<const Block* const> blocks, const Done& done) = 0;
};

}  // namespace backdrop
