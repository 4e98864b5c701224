// The run's folder: complete or absent, and never overwritten by accident.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <thread>

#include "backdrop/error.h"
#include "loaders/file.h"
#include "loaders/npy.h"
#include "search/logits_file.h"
#include "search/result_folder.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Existing = ResultFolder::Existing;
using testing::read_text;
using testing::TemporaryFolder;
using testing::write_text;

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::failed;
}

class ResultFolderTest : public ::testing::Test {
 protected:
  void finish_run(const std::string& content, Existing existing = Existing::refuse) {
    ResultFolder folder(out, existing);
    folder.begin();
    folder.write("run.json", content);
    folder.commit();
  }

  TemporaryFolder temporary;
  fs::path out = temporary.path / "runs" / "one";
};

TEST_F(ResultFolderTest, MatricesHoldTheAnswers) {
  {
    ResultFolder folder(out, Existing::refuse);
    folder.begin();
    PairMatrix pairs(2, 4);
    pairs.predictions = {-1, -1, -1, -1, 5, 6, -1, 7};
    pairs.margins[5] = -1.5f;
    pairs.margins[7] = 2.5f;
    folder.write_answers(pairs);
    EXPECT_FALSE(fs::exists(out));
    folder.commit();
  }
  const auto predictions_file = read_file(out / "predictions.npy", 1 << 20);
  const NpyView predictions = parse_npy(predictions_file, "predictions.npy");
  EXPECT_THAT(predictions.header.shape, ElementsAre(2, 4));
  EXPECT_THAT(predictions.values<std::int16_t>("predictions.npy"), ElementsAre(-1, -1, -1, -1, 5, 6, -1, 7));
  const auto margins_file = read_file(out / "margins.npy", 1 << 20);
  const auto margins = parse_npy(margins_file, "margins.npy").values<float>("margins.npy");
  EXPECT_TRUE(std::isnan(margins[0]));
  EXPECT_EQ(margins[5], -1.5f);
  EXPECT_TRUE(std::isnan(margins[6]));
  EXPECT_EQ(margins[7], 2.5f);
}

TEST_F(ResultFolderTest, WhatTheSystemRefusesIsAnErrorOfOurs) {
  fs::create_directories(out.string() + ".partial/journal/not empty");
  EXPECT_EQ(code_of([&] { ResultFolder(out, Existing::replace); }), ErrorCode::failed);
}

TEST_F(ResultFolderTest, NothingIsLeftOfARunThatDidNotFinish) {
  {
    ResultFolder folder(out, Existing::refuse);
    folder.begin();
  }
  EXPECT_FALSE(fs::exists(out));
  EXPECT_FALSE(fs::exists(out.string() + ".partial"));
}

TEST_F(ResultFolderTest, AFinishedRunIsRefused) {
  finish_run("first");
  EXPECT_EQ(code_of([&] { finish_run("second"); }), ErrorCode::usage);
  EXPECT_EQ(read_text(out / "run.json"), "first");
}

TEST_F(ResultFolderTest, AFinishedRunIsReplacedWhenAllowedAndOnlyAtTheEnd) {
  finish_run("first");
  {
    ResultFolder folder(out, Existing::replace);
    folder.begin();
    EXPECT_EQ(read_text(out / "run.json"), "first");
  }
  EXPECT_EQ(read_text(out / "run.json"), "first");
  finish_run("second", Existing::replace);
  EXPECT_EQ(read_text(out / "run.json"), "second");
  EXPECT_FALSE(fs::exists(out.string() + ".replaced"));
  EXPECT_FALSE(fs::exists(out.string() + ".partial"));
}

TEST_F(ResultFolderTest, ARunIsThereUntilItsReplacementIs) {
  finish_run("first");
  const fs::path other = temporary.path / "other";
  fs::create_directory(other);
  if (::renameat2(AT_FDCWD, out.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0)
    GTEST_SKIP() << "this file system cannot exchange two names";
  ASSERT_EQ(::renameat2(AT_FDCWD, out.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE), 0);
  std::atomic<bool> done = false;
  std::atomic<bool> missed = false;
  std::thread watcher([&] {
    while (!done)
      if (!fs::exists(out)) missed = true;
  });
  for (int i = 0; i < 50; ++i) finish_run("again", Existing::replace);
  done = true;
  watcher.join();
  EXPECT_FALSE(missed);
}

TEST_F(ResultFolderTest, ARunThatLostItsNameToAKillGetsItBack) {
  finish_run("first");
  fs::rename(out, out.string() + ".replaced");
  EXPECT_EQ(code_of([&] { finish_run("second"); }), ErrorCode::usage);
  EXPECT_EQ(read_text(out / "run.json"), "first");
  finish_run("second", Existing::replace);
  EXPECT_EQ(read_text(out / "run.json"), "second");
}

TEST_F(ResultFolderTest, NamesThatARunNeedsForItselfAreNoNamesOfRuns) {
  for (const char* suffix : {".partial", ".replaced"})
    EXPECT_EQ(code_of([&] { ResultFolder(out.string() + suffix, Existing::replace); }), ErrorCode::usage);
  EXPECT_FALSE(fs::exists(out.parent_path()));
}

TEST_F(ResultFolderTest, FoldersThatAreNotRunsAreNeverTouched) {
  fs::create_directories(out);
  write_text(out / "thesis.tex", "years of work");
  EXPECT_EQ(code_of([&] { finish_run("x"); }), ErrorCode::usage);
  EXPECT_EQ(code_of([&] { finish_run("x", Existing::replace); }), ErrorCode::usage);
  EXPECT_EQ(read_text(out / "thesis.tex"), "years of work");
}

TEST_F(ResultFolderTest, FoldersWhosePlaceARunCannotTakeAreRefusedBeforeIt) {
  const auto refusal = [](const fs::path& folder) {
    try {
      ResultFolder refused(folder, ResultFolder::Existing::refuse);
    } catch (const Error& error) {
      return std::pair(error.code(), std::string(error.what()));
    }
    return std::pair(ErrorCode::failed, std::string("was not refused"));
  };
  EXPECT_EQ(refusal("/proc"),
            std::pair(ErrorCode::usage, std::string("/proc: is a mount point, and a finished run takes the "
                                                    "place of its folder: name a folder in it (--out)")));
  const fs::path before = fs::current_path();
  fs::create_directories(out);
  fs::current_path(out);
  const auto [code, message] = refusal(".");
  fs::current_path(before);
  EXPECT_EQ(code, ErrorCode::usage);
  EXPECT_THAT(message, HasSubstr("one: is the current folder, and"));
}

TEST_F(ResultFolderTest, WhatIsNoFileOfARunIsNotTakenIntoOne) {
  const fs::path partial = out.string() + ".partial";
  fs::create_directories(partial);
  write_text(partial / "notes.txt", "mine");
  EXPECT_EQ(code_of([&] { finish_run("x"); }), ErrorCode::usage);
  EXPECT_EQ(read_text(partial / "notes.txt"), "mine");
}

TEST_F(ResultFolderTest, AnEvaluationIsNotReplacedUnasked) {
  fs::create_directories(out);
  write_text(out / "eval.json", "{}");
  EXPECT_EQ(code_of([&] { finish_run("x"); }), ErrorCode::usage);
  EXPECT_EQ(code_of([&] { finish_run("x", Existing::resume); }), ErrorCode::usage);
  EXPECT_EQ(read_text(out / "eval.json"), "{}");
  finish_run("x", Existing::replace);
  EXPECT_FALSE(fs::exists(out / "eval.json"));
}

TEST_F(ResultFolderTest, AFinishedRunIsNotUnfinishedForAJournalBesideIt) {
  const fs::path partial = out.string() + ".partial";
  fs::create_directories(partial);
  write_text(partial / "journal", "of a run that was to replace it");
  EXPECT_TRUE(ResultFolder::is_unfinished(out));
  fs::create_directories(out);
  write_text(out / "run.json", "{}");
  EXPECT_FALSE(ResultFolder::is_unfinished(out));
}

TEST_F(ResultFolderTest, AnEmptyFolderAndATrailingSlashAreFine) {
  fs::create_directories(out);
  out += "/";
  finish_run("x");
  EXPECT_EQ(read_text(out / "run.json"), "x");
}

TEST_F(ResultFolderTest, WhatAKilledRunLeftIsCleared) {
  const fs::path partial = out.string() + ".partial";
  fs::create_directories(partial);
  write_text(partial / "report.html", "half a page");
  finish_run("x");
  EXPECT_FALSE(fs::exists(out / "report.html"));
}

TEST_F(ResultFolderTest, TwoProcessesCannotWriteOneRun) {
  ResultFolder folder(out, Existing::refuse);
  folder.begin();
  EXPECT_EQ(code_of([&] { finish_run("x"); }), ErrorCode::failed);
  folder.write_answers(PairMatrix(2, 4));
  folder.commit();
  EXPECT_TRUE(fs::exists(out / "predictions.npy"));
}

TEST_F(ResultFolderTest, ARunThatAnotherProcessHoldsIsNotReplaced) {
  finish_run("first");
  ResultFolder folder(out, Existing::replace);
  folder.begin();
  const int other = ::open(out.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  EXPECT_EQ(code_of([&] { folder.commit(); }), ErrorCode::failed);
  EXPECT_EQ(read_text(out / "run.json"), "first");
  ::close(other);
  folder.commit();
  EXPECT_FALSE(fs::exists(out / "run.json"));
}

TEST_F(ResultFolderTest, AFolderThatCannotBeMadeIsOneClearLine) {
  write_text(temporary.path / "runs", "a file in the way");
  try {
    finish_run("x");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_THAT(error.what(), HasSubstr("cannot be created"));
    EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
  }
}

TEST_F(ResultFolderTest, LogitsAreNaNWhereNothingWasEvaluated) {
  const fs::path path = temporary.path / "logits.npy";
  {
    LogitsFile file(path, 1, 2, 3);
    const std::vector<int> backgrounds = {1};
    const std::vector<float> logits = {1, 2, 3};
    file.store({0, backgrounds, {}, {}, logits});
    file.commit();
  }
  const auto bytes = read_file(path, 1 << 20);
  const NpyView view = parse_npy(bytes, "logits.npy");
  EXPECT_THAT(view.header.shape, ElementsAre(1, 2, 3));
  EXPECT_TRUE(std::isnan(view.values<float>("logits.npy")[0]));
  EXPECT_EQ(view.values<float>("logits.npy")[5], 3);
  { LogitsFile file(temporary.path / "dropped.npy", 1, 2, 3); }
  EXPECT_FALSE(fs::exists(temporary.path / "dropped.npy"));
  EXPECT_FALSE(fs::exists(temporary.path / "dropped.npy.partial"));
}

TEST_F(ResultFolderTest, LogitsLieWhereTheirBackgroundsDo) {
  const fs::path path = temporary.path / "logits.npy";
  LogitsFile file(path, 2, 4, 1);
  const std::vector<int> backgrounds = {0, 2, 3, 1};
  const std::vector<float> logits = {10, 12, 13, 11};
  file.store({1, backgrounds, {}, {}, logits});
  file.commit();
  const auto bytes = read_file(path, 1 << 20);
  const auto values = parse_npy(bytes, "logits.npy").values<float>("logits.npy");
  EXPECT_THAT(std::vector(values.begin() + 4, values.end()), ElementsAre(10, 11, 12, 13));
  EXPECT_TRUE(std::isnan(values[0]));
}

TEST_F(ResultFolderTest, LogitsForWhichThereIsNoRoomLeaveNothing) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 16, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_EQ(code_of([&] { LogitsFile(temporary.path / "logits.npy", 100, 100, 9); }), ErrorCode::failed);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(fs::is_empty(temporary.path));
}

}  // namespace
}  // namespace backdrop
