// Messages between ranks: what is put in comes out; what is cut or lies is refused.
#include <gtest/gtest.h>

#include "backdrop/error.h"
#include "search/mpi_messages.h"

namespace backdrop::testing {
namespace {

TEST(Messages, CarryAWave) {
  const std::vector<int> backgrounds{4, 5, 6, 9};
  const Block first{.number = 7, .pieces = {{2, std::span(backgrounds).first(3)}}, .pairs = 3};
  const Block second{.number = 9,
                     .pieces = {{0, std::span(backgrounds).last(1)}, {1, std::span(backgrounds).first(2)}},
                     .pairs = 3};
  const Block* const blocks[] = {&first, &second};
  const Wave wave = read_wave(wave_message(blocks, 11, 5));
  EXPECT_EQ(wave.classes_to_keep, 11u);
  EXPECT_EQ(wave.resident, 5);
  ASSERT_EQ(wave.blocks.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(wave.blocks[i].number, blocks[i]->number);
    EXPECT_EQ(wave.blocks[i].pairs, blocks[i]->pairs);
    ASSERT_EQ(wave.blocks[i].pieces.size(), blocks[i]->pieces.size());
    for (std::size_t p = 0; p < wave.blocks[i].pieces.size(); ++p) {
      EXPECT_EQ(wave.blocks[i].pieces[p].foreground, blocks[i]->pieces[p].foreground);
      EXPECT_TRUE(std::ranges::equal(wave.blocks[i].pieces[p].backgrounds, blocks[i]->pieces[p].backgrounds));
    }
  }
  EXPECT_TRUE(read_wave(wave_message({}, 0, 0)).blocks.empty());
}

TEST(Messages, CarryAnswers) {
  const BlockAnswers answers{.predictions = {1, -1, 300},
                             .margins = {.5f, -2, 0},
                             .logits = {1, 2, 3},
                             .decided_again = {.second = 3, .rechecked = 2, .audited = 1}};
  const auto content = read_rank_message(block_message(12, answers));
  const BlockMessage& block = std::get<BlockMessage>(content);
  EXPECT_EQ(block.block, 12u);
  EXPECT_EQ(block.answers.predictions, answers.predictions);
  EXPECT_EQ(block.answers.margins, answers.margins);
  EXPECT_EQ(block.answers.logits, answers.logits);
  EXPECT_EQ(block.answers.decided_again, answers.decided_again);

  const auto last =
      read_rank_message(wave_end_message({3, {.blocks = 2, .multiply_adds = 1'000'000'000'000}}));
  EXPECT_EQ(std::get<WaveEnd>(last).rank, 3);
  EXPECT_EQ(std::get<WaveEnd>(last).work.blocks, 2);
  EXPECT_EQ(std::get<WaveEnd>(last).work.multiply_adds, 1'000'000'000'000);

  const auto refutation = read_rank_message(refutation_message({"a wrong answer"}));
  EXPECT_EQ(std::get<Refutation>(refutation).message, "a wrong answer");
}

TEST(Messages, BlocksWithoutPairsAreRefused) {
  const Block without_pieces{.number = 0, .pieces = {}, .pairs = 0};
  const Block without_backgrounds{.number = 0, .pieces = {{0, {}}}, .pairs = 0};
  for (const Block* const block : {&without_pieces, &without_backgrounds})
    EXPECT_THROW(read_wave(wave_message({&block, 1}, 0, 0)), Error);
}

TEST(Messages, EveryTruncationIsRefused) {
  const std::vector<int> backgrounds{0, 1};
  const Block block{.number = 0, .pieces = {{0, backgrounds}}, .pairs = 2};
  const Block* const blocks[] = {&block};
  const Message wave = wave_message(blocks, 0, 0);
  for (std::size_t size = 0; size < wave.size(); ++size)
    EXPECT_THROW(read_wave(std::span(wave).first(size)), Error) << size;
  const Message answers =
      block_message(0, {.predictions = {1}, .margins = {1}, .logits = {}, .decided_again = {}});
  for (std::size_t size = 0; size < answers.size(); ++size)
    EXPECT_THROW(read_rank_message(std::span(answers).first(size)), Error) << size;
  const Message end = wave_end_message({});
  for (std::size_t size = 0; size < end.size(); ++size)
    EXPECT_THROW(read_rank_message(std::span(end).first(size)), Error) << size;
  const Message refutation = refutation_message({"a wrong answer"});
  for (std::size_t size = 0; size < refutation.size(); ++size)
    EXPECT_THROW(read_rank_message(std::span(refutation).first(size)), Error) << size;
}

}  // namespace
}  // namespace backdrop::testing
