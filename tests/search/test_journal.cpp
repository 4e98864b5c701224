// Runs that are stopped, damaged and resumed end with the files of an undisturbed one.
#include <gmock/gmock.h>

#include <cstring>
#include <functional>
#include <random>

#include "backdrop/error.h"
#include "core/hash.h"
#include "engine/screening.h"
#include "tests/search/journaled_search.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Existing = ResultFolder::Existing;
using testing::JournaledSearch;
using testing::read_text;
using testing::TemporaryFolder;
using testing::write_text;

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() { undisturbed_result = undisturbed.run(Existing::refuse); }

  void stop(JournaledSearch& session, std::size_t after, Existing existing = Existing::refuse) {
    try {
      session.run(existing, after);
      FAIL() << "was not interrupted";
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::interrupted) << error.what();
      EXPECT_THAT(error.what(), HasSubstr("--resume"));
    }
  }

  void expect_refused(JournaledSearch& session, Existing existing, ErrorCode code, const std::string& words) {
    try {
      session.run(existing);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  void expect_undisturbed(const JournaledSearch& session) {
    for (const char* name : {"predictions.npy", "margins.npy"})
      EXPECT_EQ(read_text(session.out / name), read_text(undisturbed.out / name)) << name;
    EXPECT_FALSE(fs::exists(session.out / "journal"));
    EXPECT_FALSE(fs::exists(session.partial()));
  }

  TemporaryFolder temporary;
  JournaledSearch undisturbed{temporary.path / "undisturbed"};
  SearchResult undisturbed_result;
  JournaledSearch search{temporary.path / "stopped"};
};

TEST_F(JournalTest, AStoppedRunGoesOnWhereItWas) {
  stop(search, 300);
  EXPECT_TRUE(fs::exists(search.journal()));
  EXPECT_FALSE(fs::exists(search.out));
  stop(search, 300, Existing::resume);
  const SearchResult result = search.run(Existing::resume);
  EXPECT_GE(result.resumed, 600u);
  EXPECT_EQ(result.evaluated, undisturbed_result.evaluated);
  EXPECT_EQ(search.engine.visited.size() + result.resumed, result.evaluated);
  expect_undisturbed(search);
}

TEST_F(JournalTest, ResumingNothingStarts) {
  search.run(Existing::resume);
  expect_undisturbed(search);
}

TEST_F(JournalTest, AnUnfinishedRunIsNeitherClearedNorContinuedUnasked) {
  stop(search, 300);
  expect_refused(search, Existing::refuse, ErrorCode::usage, "--resume");
  EXPECT_GT(search.run(Existing::resume).resumed, 0u);
}

TEST_F(JournalTest, ForceStartsAgain) {
  stop(search, 300);
  EXPECT_EQ(search.run(Existing::replace).resumed, 0u);
  expect_undisturbed(search);
}

TEST_F(JournalTest, AJournalCutAnywhereIsContinued) {
  stop(search, 900);
  const std::string journal = read_text(search.journal());
  const std::size_t header = journal.find("BLK2");
  std::mt19937 random(1);
  for (int i = 0; i < 12; ++i) {
    JournaledSearch cut(temporary.path / fmt::format("cut{}", i));
    stop(cut, 1);
    write_text(cut.journal(), journal.substr(0, header + random() % (journal.size() - header)));
    cut.run(Existing::resume);
    expect_undisturbed(cut);
  }
}

TEST_F(JournalTest, DamagedRecordsAreComputedAgain) {
  stop(search, 900);
  const std::string journal = read_text(search.journal());
  const std::size_t header = journal.find("BLK2");
  std::mt19937 random(2);
  for (int i = 0; i < 12; ++i) {
    JournaledSearch damaged(temporary.path / fmt::format("damaged{}", i));
    stop(damaged, 1);
    std::string bytes = journal;
    bytes[header + random() % (journal.size() - header)] ^= static_cast<char>(1 + random() % 255);
    write_text(damaged.journal(), bytes);
    damaged.run(Existing::resume);
    expect_undisturbed(damaged);
  }
}

TEST_F(JournalTest, WhatWasDecidedAgainIsThatOfAllSessions) {
  ScreeningReport account;
  account.second.emplace();
  undisturbed.engine.account = search.engine.account = account;
  const ScreeningCounts expected = undisturbed.run(Existing::replace).decided_again;
  EXPECT_GT(expected.rechecked, expected.audited);
  EXPECT_GT(expected.audited, 0);
  EXPECT_GT(expected.second, expected.rechecked);
  stop(search, 300);
  stop(search, 300, Existing::resume);
  EXPECT_EQ(search.run(Existing::resume).decided_again, expected);
}

TEST_F(JournalTest, AnotherVersionsJournalIsRefused) {
  stop(search, 300);
  std::string journal = read_text(search.journal());
  journal[std::string("backdrop-journal-").size()] = '1';
  write_text(search.journal(), journal);
  expect_refused(search, Existing::resume, ErrorCode::bad_input, "another version of Backdrop");
  EXPECT_TRUE(fs::exists(search.journal()));
}

TEST_F(JournalTest, ADamagedHeaderIsRefused) {
  stop(search, 300);
  const std::string journal = read_text(search.journal());
  for (std::size_t place : {std::size_t{3}, journal.find("shape") + 6, journal.find("BLK2") - 4}) {
    std::string bytes = journal;
    bytes[place] ^= 1;
    write_text(search.journal(), bytes);
    expect_refused(search, Existing::resume, ErrorCode::bad_input, "damaged");
  }
  write_text(search.journal(), "");
  expect_refused(search, Existing::resume, ErrorCode::bad_input, "damaged");
}

TEST_F(JournalTest, AShapeThatNoSearchHasIsRefused) {
  stop(search, 300);
  const std::string journal = read_text(search.journal());
  const std::size_t shape = journal.find("shape "), line_end = journal.find('\n', shape);
  const std::size_t hash = journal.find("sha256 ", journal.find("mode="));
  for (const char* other : {"0 90 0 2 2", "40 0 0 2 2", "40 90 -1 2 2", "40 90 0 0 2", "40 90 0 2 0",
                            "40 90000000 0 2 2", "40 90"}) {
    const std::string text =
        journal.substr(0, shape) + "shape " + other + journal.substr(line_end, hash - line_end);
    write_text(search.journal(), text + "sha256 " + sha256_of(text.data(), text.size()) + "\n" +
                                     journal.substr(journal.find("BLK2")));
    expect_refused(search, Existing::resume, ErrorCode::bad_input, "damaged");
  }
}

TEST_F(JournalTest, AReplacementKilledWhileTheOldRunHadNoNameGoesOn) {
  search.run(Existing::refuse);
  stop(search, 300, Existing::replace);
  const fs::path replaced = search.out.string() + ".replaced";
  fs::rename(search.out, replaced);
  EXPECT_GT(search.run(Existing::resume).resumed, 0u);
  expect_undisturbed(search);
  EXPECT_FALSE(fs::exists(replaced));
}

TEST_F(JournalTest, ARunOfOtherInputsIsRefusedByName) {
  stop(search, 300);
  search.identity[0].second = "bb";
  expect_refused(search, Existing::resume, ErrorCode::usage, "its checkpoint sha256 is aa, not bb");
  search.identity = {{"checkpoint sha256", "aa"}, {"mode", "all"}};
  expect_refused(search, Existing::resume, ErrorCode::usage, "its mode is first, not all");
  EXPECT_TRUE(fs::exists(search.journal()));
}

TEST_F(JournalTest, TheFirstRunsShapeIsKept) {
  stop(search, 300);
  search.engine.batch_size = 16;
  search.engine.tile_size = 7;
  search.run(Existing::resume);
  expect_undisturbed(search);
}

TEST_F(JournalTest, WhatWasDoneBeforeTheFinalRenameIsDoneAgain) {
  stop(search, 300);
  for (const char* name : {"run.json", "foregrounds.csv", "report.html"})
    write_text(search.partial() / name, "written by a session that was killed");
  search.run(Existing::resume);
  expect_undisturbed(search);
  EXPECT_FALSE(fs::exists(search.out / "report.html"));
}

TEST_F(JournalTest, AJournalLeftInAFinishedFolderIsRemoved) {
  search.run(Existing::refuse);
  write_text(search.out / "journal", "left by a kill between the last two steps");
  EXPECT_TRUE(ResultFolder::is_finished(search.out));
  ResultFolder::remove_leftovers(search.out);
  expect_undisturbed(search);
}

TEST_F(JournalTest, WhatAnAuditRefutesCannotBeGoneOnWith) {
  stop(search, 300);
  JournaledSearch refuted(search.out);
  refuted.engine = {testing::kScriptedClasses, [&](int f, int b, std::span<float> logits) {
                      if (refuted.engine.visited.size() > 200) throw RefutedBounds("a wrong answer");
                      testing::scripted_logits(f, b, logits);
                    }};
  refuted.engine.set_backgrounds(refuted.input.backgrounds);
  expect_refused(refuted, Existing::resume, ErrorCode::failed, "a wrong answer");
  EXPECT_FALSE(fs::exists(search.partial()));
  EXPECT_EQ(search.run(Existing::resume).resumed, 0u);
  expect_undisturbed(search);
}

TEST_F(JournalTest, WhatFollowsADamagedRecordIsKeptWhenItIsMadeAgain) {
  stop(search, 900);
  std::string journal = read_text(search.journal());
  journal[journal.size() - 10] ^= 1;
  write_text(search.journal(), journal);
  stop(search, 300, Existing::resume);
  EXPECT_GE(search.run(Existing::resume).resumed, 900u);
  expect_undisturbed(search);
}

TEST_F(JournalTest, OneBlockIsWorthKeeping) {
  stop(search, 1);
  EXPECT_EQ(Journal(search.journal()).blocks(), 1u);
  EXPECT_GT(search.run(Existing::resume).resumed, 0u);
}

TEST_F(JournalTest, AJournalWithoutBlocksIsNoRun) {
  stop(search, 300);
  const std::string journal = read_text(search.journal());
  write_text(search.journal(), journal.substr(0, journal.find("BLK2")));
  EXPECT_EQ(search.run(Existing::refuse).resumed, 0u);
  expect_undisturbed(search);
}

TEST_F(JournalTest, AJournalOfAnotherSizeIsRefused) {
  stop(search, 300);
  for (const auto& [foregrounds, backgrounds] : {std::pair(39, 90), std::pair(40, 89)}) {
    JournaledSearch other(search.out);
    other.input = testing::fake_input(foregrounds, backgrounds, testing::kScriptedClasses);
    other.engine.set_backgrounds(other.input.backgrounds);
    expect_refused(other, Existing::resume, ErrorCode::bad_input, "another size");
  }
}

class JournalFileTest : public ::testing::Test {
 protected:
  static Block block_of(const std::vector<int>& backgrounds, int foreground = 1) {
    return {.number = 0, .pieces = {{foreground, backgrounds}}, .pairs = backgrounds.size()};
  }

  TemporaryFolder temporary;
  fs::path path = temporary.path / "journal";
  PlanShape shape{.foregrounds = 2, .backgrounds = 4, .tile = 0, .batch = 1, .fill = 1};
  std::vector<int> backgrounds{0, 2};
  BlockAnswers answers{{3, 4}, {0.5f, -1.0f}, {}, {}};
};

TEST_F(JournalFileTest, ABlockOfOtherPairsIsRefused) {
  Journal(path, {}, shape).append(block_of(backgrounds), answers);
  const Journal journal(path);
  EXPECT_EQ(journal.find(block_of(backgrounds))->predictions, answers.predictions);
  const std::vector<int> others{0, 3};
  EXPECT_THROW(journal.find(block_of(others)), Error);
  EXPECT_THROW(journal.find(block_of(backgrounds, 0)), Error);
}

TEST_F(JournalFileTest, WhatIsDiscardedIsGoneFromTheFile) {
  Journal journal(path, {}, shape);
  journal.append(block_of(backgrounds), answers);
  journal.discard();
  EXPECT_EQ(journal.blocks(), 0u);
  EXPECT_EQ(Journal(path).blocks(), 0u);
}

TEST_F(JournalFileTest, ARecordOfMorePairsThanNumbersReachIsNoRecord) {
  const std::string header = (Journal(path, {}, shape), read_text(path));
  std::string record(200, 'x');
  const std::uint32_t pieces = 0;
  const std::uint64_t number = 0;
  const std::uint64_t pairs = UINT64_MAX / 10 - 10;  // ten bytes each and the rest: a few bytes
  std::memcpy(record.data(), "BLK2", 4);
  std::memcpy(record.data() + 4, &pieces, 4);
  std::memcpy(record.data() + 8, &number, 8);
  std::memcpy(record.data() + 16, &pairs, 8);
  write_text(path, header + record);
  const Journal journal(path);
  EXPECT_EQ(journal.blocks(), 0u);
  EXPECT_EQ(journal.bytes_cut_off(), record.size());
}

TEST_F(JournalTest, AnswersThatNoSearchGivesAreRefused) {
  stop(search, 1);
  const PlanShape shape = Journal(search.journal()).shape();
  const auto plan = plan_adaptive(shape, search.input.foreground_labels(), search.input.background_labels());
  const auto wave = plan->next_wave();
  const Block block = cut_into_blocks(wave, 0, shape.block_pairs()).front();
  const auto pairs = static_cast<std::int64_t>(block.pairs);
  const auto refuse = [&](const std::string& words, const std::function<void(BlockAnswers&)>& spoil) {
    BlockAnswers answers = Journal(search.journal()).find(block).value();
    spoil(answers);
    const std::string journal = read_text(search.journal());
    Journal(search.journal()).append(block, answers);
    expect_refused(search, Existing::resume, ErrorCode::bad_input, words);
    write_text(search.journal(), journal);
  };
  for (const int prediction : {-1, testing::kScriptedClasses})
    refuse("names classes", [&](BlockAnswers& answers) {
      answers.predictions.back() = static_cast<std::int16_t>(prediction);
    });
  for (const auto count : {&ScreeningCounts::second, &ScreeningCounts::rechecked, &ScreeningCounts::audited})
    for (const std::int64_t value : {std::int64_t{-1}, pairs + 1})
      refuse("more decisions", [&](BlockAnswers& answers) { answers.decided_again.*count = value; });
  search.run(Existing::resume);
  expect_undisturbed(search);
}

TEST_F(JournalTest, BlocksMayComeInAnyOrder) {
  /// Computes the last block first, as another process might.
  class Backwards : public BlockExecutor {
   public:
    explicit Backwards(JournaledSearch& session) : session_(session) {}
    void run(std::span<const Block* const> blocks, const Done& done) override {
      for (std::size_t i = blocks.size(); i-- > 0;)
        done(*blocks[i], compute_block(session_.engine, session_.input, *blocks[i], 0));
    }

   private:
    JournaledSearch& session_;
  } backwards(search);
  ResultFolder folder(search.out, Existing::refuse);
  const PlanShape shape = plan_shape(search.engine, search.input);
  SearchHooks hooks;
  hooks.journal = &folder.begin(search.identity, shape);
  hooks.executor = &backwards;
  const auto plan = plan_adaptive(shape, search.input.foreground_labels(), search.input.background_labels());
  folder.write_answers(run_search(search.engine, search.input,
                                  testing::identity_map(testing::kScriptedClasses), *plan, shape, hooks)
                           .pairs);
  folder.commit();
  expect_undisturbed(search);
}

}  // namespace
}  // namespace backdrop
