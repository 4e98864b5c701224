// Pieces to blocks, and blocks to tasks of the engine.
#include "search/block.h"

namespace backdrop {
namespace {

ScreeningCounts counts_of(const Engine& engine) {
  const std::optional<ScreeningReport> screening = engine.screening();
  return screening ? screening->counts() : ScreeningCounts();
}

}  // namespace

std::vector<Block> cut_into_blocks(const std::vector<Piece>& wave, std::uint64_t first_number,
                                   std::size_t pairs) {
  std::vector<Block> blocks;
  for (const Piece& piece : wave) {
    if (blocks.empty() || blocks.back().pairs >= pairs)
      blocks.push_back({.number = first_number + blocks.size(), .pieces = {}, .pairs = 0});
    blocks.back().pieces.push_back(piece);
    blocks.back().pairs += piece.backgrounds.size();
  }
  return blocks;
}

BlockAnswers compute_block(Engine& engine, const ChallengeInput& input, const Block& block,
                           std::size_t classes_to_keep) {
  BlockAnswers answers;
  answers.predictions.resize(block.pairs);
  answers.margins.resize(block.pairs);
  answers.logits.resize(block.pairs * classes_to_keep);
  std::vector<CompositeTask> tasks;
  std::size_t offset = 0;
  for (const Piece& piece : block.pieces) {
    const Foreground& foreground = input.foregrounds[static_cast<std::size_t>(piece.foreground)];
    tasks.push_back(
        {.foreground = &foreground.image,
         .mask = &foreground.mask,
         .label = foreground.label,
         .backgrounds = piece.backgrounds,
         .predictions = answers.predictions.data() + offset,
         .margins = answers.margins.data() + offset,
         .logits = classes_to_keep > 0 ? answers.logits.data() + offset * classes_to_keep : nullptr});
    offset += piece.backgrounds.size();
  }
  const ScreeningCounts before = counts_of(engine);
  engine.classify_composites(tasks);
  answers.decided_again = counts_of(engine);
  answers.decided_again.second -= before.second;
  answers.decided_again.rechecked -= before.rechecked;
  answers.decided_again.audited -= before.audited;
  return answers;
}

}  // namespace backdrop
