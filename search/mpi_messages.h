/// \file
/// What ranks tell each other: the blocks of a wave, their answers, and a rank's last word on a wave. All
/// ranks run the same program on machines of one kind, so values travel as they lie in memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "search/block.h"
#include "search/mpi_ranks.h"
#include "search/rank_work.h"

namespace backdrop {

/// Blocks with the backgrounds that their pieces refer to.
struct Wave {
  std::size_t classes_to_keep = 0;  ///< logits of each pair to send
  int resident = 0;                 ///< backgrounds that a rank keeps, as rank 0 does; all ranks deal alike
  std::vector<Block> blocks;        ///< none: the search is over
  std::vector<int> backgrounds;     ///< of all pieces, in a row
};

Message wave_message(std::span<const Block* const> blocks, std::size_t classes_to_keep, int resident);
/// Throws failed for a message that no rank would send.
Wave read_wave(std::span<const std::byte> message);

/// The answers of one block, by its place in the wave.
struct BlockMessage {
  std::uint64_t block = 0;
  BlockAnswers answers;
};

/// A rank has taken its last number of a wave, and all its answers were sent before.
struct WaveEnd {
  std::int32_t rank = 0;
  RankWork work;  ///< so far
};

/// A rank's audit has found a wrong answer.
struct Refutation {
  std::string message;
};

Message block_message(std::uint64_t block, const BlockAnswers& answers);
Message wave_end_message(const WaveEnd& end);
Message refutation_message(const Refutation& refutation);
/// Throws failed for a message that no rank would send.
std::variant<BlockMessage, WaveEnd, Refutation> read_rank_message(std::span<const std::byte> message);

}  // namespace backdrop
