// Searches that are interrupted or stopped by a budget, and how they go on.
#include <signal.h>

#include <chrono>
#include <thread>

#include "core/hash.h"
#include "tests/cli/command_test.h"

namespace backdrop::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ResumeTest : public CommandTest {};

TEST_F(ResumeTest, AnInterruptedRunIsKeptAndGoesOn) {
  draw_data(25);  // some ten thousand pairs: long enough to be interrupted
  const auto all_pairs = [](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = challenge({"--mode", "all", "--out", "run", "--threads", "1"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  Process process(all_pairs({"--logits", "logits.npy"}), folder());
  const fs::path journal = folder() / "run.partial" / "journal";
  const auto has_blocks = [&] { return fs::exists(journal) && fs::file_size(journal) > 4096; };
  for (int i = 0; i < 6000 && !has_blocks(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(has_blocks());
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.errors;
  EXPECT_THAT(outcome.errors, HasSubstr("--resume"));
  EXPECT_THAT(outcome.output, IsEmpty());
  for (const char* name : {"run", "logits.npy", "logits.npy.partial"})
    EXPECT_FALSE(fs::exists(folder() / name)) << name;
  EXPECT_EQ(run(all_pairs({})).exit_code, 2);
  const Outcome stopped = run(all_pairs({"--resume", "--budget", "2000", "--json"}));
  ASSERT_EQ(stopped.exit_code, 0) << stopped.errors;
  const nlohmann::json record = nlohmann::json::parse(stopped.output);
  EXPECT_FALSE(record["result"]["complete"]);
  EXPECT_GT(record["resumed_pairs"], 0);
  EXPECT_TRUE(fs::exists(journal));
}

TEST_F(ResumeTest, ABudgetThatEndsBeforeAnyPairLeavesNothingAndSaysSo) {
  draw_data(1);
  const Outcome outcome = run(challenge({"--out", "run", "--budget", "0.001s"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("Evaluated 0 of"));
  EXPECT_THAT(outcome.output, Not(AnyOf(HasSubstr("run.partial"), HasSubstr("--resume"))));
  EXPECT_FALSE(fs::exists(folder() / "run.partial"));
}

TEST_F(ResumeTest, ARunGoesOnInItsOwnPrecision) {
  draw_data(4);
  const auto go_on = [&](const std::string& precision, const std::vector<std::string>& more) {
    std::vector<std::string> arguments =
        challenge({"--mode", "all", "--out", "run", "--threads", "1", "--precision", precision});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const Outcome begun = go_on("int16", {"--budget", "100"});
  if (begun.exit_code == 4) GTEST_SKIP() << begun.errors;
  ASSERT_EQ(begun.exit_code, 0) << begun.errors;
  const Outcome refused = go_on("fp32", {"--resume"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, AllOf(HasSubstr("its precision is int16, not fp32"), HasSubstr("--force")));
  const Outcome done = go_on("auto", {"--resume"});
  ASSERT_EQ(done.exit_code, 0) << done.errors;
  EXPECT_GT(read_json("run/run.json")["resumed_pairs"], 0);
  EXPECT_EQ(read_json("run/run.json")["screening"]["precision"], "int16");
  EXPECT_EQ(read_json("run/run.json")["screening"]["composites"], 36 * 36);  // of both sessions
  EXPECT_EQ(read_json("run/run.json")["identity"]["precision"], "int16");
  const Outcome again = go_on("auto", {"--resume", "--json"});
  EXPECT_THAT(again.errors, HasSubstr("is finished already"));
  EXPECT_EQ(again.output, read_text(folder() / "run/run.json"));
  EXPECT_EQ(go_on("fp32", {"--resume"}).exit_code, 2);
}

/// As a GPU would have left the journal, which decides in a second precision first.
void add_second_precision(const fs::path& journal) {
  const std::string bytes = read_text(journal);
  const std::size_t end = bytes.find("\nsha256 ") + 1;
  std::string header = bytes.substr(0, end);
  header.replace(header.find("precision=int16"), 15, "precision=int16, fp16");
  const std::string hash = sha256_of(header.data(), header.size());
  write_text(journal, header + "sha256 " + hash + bytes.substr(bytes.find('\n', end)));
}

TEST_F(ResumeTest, ARunOfTwoPrecisionsGoesOnInTheFirst) {
  draw_data(4);
  const Outcome begun = run(challenge(
      {"--mode", "all", "--out", "run", "--threads", "1", "--precision", "int16", "--budget", "100"}));
  if (begun.exit_code == 4) GTEST_SKIP() << begun.errors;
  ASSERT_EQ(begun.exit_code, 0) << begun.errors;
  add_second_precision(folder() / "run.partial/journal");
  // The CPU has no second one, and says so; a GPU goes on.
  const Outcome refused =
      run(challenge({"--mode", "all", "--out", "run", "--threads", "1", "--precision", "auto", "--resume"}));
  EXPECT_THAT(refused.errors, HasSubstr("its precision is int16, fp16, not int16;"));
}

TEST_F(ResumeTest, AFinishedRunAnswersWithoutTheDeviceThatMadeIt) {
  draw_data(1);
  const Outcome begun = run(challenge({"--mode", "all", "--out", "run", "--precision", "int16"}));
  if (begun.exit_code == 4) GTEST_SKIP() << begun.errors;
  ASSERT_EQ(begun.exit_code, 0) << begun.errors;
  // As a GPU would have left it.
  nlohmann::json record = read_json("run/run.json");
  record["identity"]["precision"] = "fp8, fp16";
  record["screening"]["precision"] = "fp8";
  write_text(folder() / "run/run.json", record.dump());
  const auto again = [&](const std::string& precision, const std::string& mode) {
    return run(challenge({"--mode", mode, "--out", "run", "--precision", precision, "--resume", "--json"}));
  };
  for (const char* precision : {"fp8", "auto"}) {
    const Outcome answered = again(precision, "all");
    EXPECT_EQ(answered.exit_code, 0) << answered.errors;
    EXPECT_EQ(answered.output, record.dump());
    EXPECT_THAT(answered.errors, Not(HasSubstr("preparing")));
  }
  const Outcome other_precision = again("int16", "all");
  EXPECT_EQ(other_precision.exit_code, 2);
  EXPECT_THAT(other_precision.errors, HasSubstr("its precision is fp8, fp16, not int16"));
  const Outcome other_mode = again("fp8", "first");
  EXPECT_EQ(other_mode.exit_code, 2);
  EXPECT_THAT(other_mode.errors, HasSubstr("its mode is all, not first"));
}

TEST_F(ResumeTest, WhatABudgetStoppedIsNoFinishedRun) {
  draw_data(4);
  ASSERT_EQ(run(challenge({"--shard", "1/2", "--out", "first"})).exit_code, 0);
  const Outcome stopped =
      run(challenge({"--shard", "2/2", "--out", "second", "--budget", "1", "--threads", "1"}));
  ASSERT_EQ(stopped.exit_code, 0) << stopped.errors;
  ASSERT_TRUE(fs::exists(folder() / "second.partial/run.json"));
  EXPECT_THAT(stopped.output, HasSubstr("(--resume goes on)"));
  const auto merge_with = [this](const std::string& shard) {
    const Outcome merged = run({"merge", "whole", "first", shard});
    EXPECT_EQ(merged.exit_code, 3);
    EXPECT_FALSE(fs::exists(folder() / "whole"));
    return merged.errors;
  };
  const std::string unfinished = ": is an unfinished run: finish it with challenge --resume";
  const std::string bound = ": was stopped before its end: finish it with challenge --resume";
  EXPECT_THAT(merge_with("second"), HasSubstr("second" + unfinished));
  EXPECT_THAT(merge_with("second.partial"), HasSubstr("second.partial" + bound));
  // Killed in its last step.
  const nlohmann::json record = read_json("second.partial/run.json");
  nlohmann::json whole = record;
  whole["result"]["complete"] = true;
  write_text(folder() / "second.partial/run.json", whole.dump());
  EXPECT_THAT(merge_with("second.partial/"), HasSubstr("second.partial/" + bound));
  // Killed before that.
  fs::remove(folder() / "second.partial/run.json");
  EXPECT_THAT(merge_with("second.partial"), HasSubstr("second.partial" + unfinished));
  EXPECT_THAT(run({"report", "second.partial"}).errors, HasSubstr("second.partial" + unfinished));
  EXPECT_THAT(merge_with("third"), HasSubstr("third/run.json: no such file"));
  const Outcome confused = run(challenge({"--shard", "2/2", "--out", "second.partial", "--resume"}));
  EXPECT_EQ(confused.exit_code, 2);
  EXPECT_THAT(confused.errors, HasSubstr("leave out .partial"));
  EXPECT_TRUE(fs::exists(folder() / "second.partial/journal"));

  ASSERT_EQ(run(challenge({"--shard", "2/2", "--out", "second", "--resume"})).exit_code, 0);
  const Outcome itself = run({"merge", "first", "first", "second", "--force"});
  EXPECT_EQ(itself.exit_code, 2);
  EXPECT_THAT(itself.errors, HasSubstr("both OUT and a shard"));
  EXPECT_EQ(run({"merge", "whole", "second", "first"}).exit_code, 0);
}

TEST_F(ResumeTest, AnInterruptIsNoticedBeforeTheSearch) {
  draw_data(10);
  Process process(challenge({"--mode", "all", "--out", "run", "--threads", "1"}), folder());
  const auto says = [this](const char* text) {
    return read_text(folder() / "stderr.txt").find(text) != std::string::npos;
  };
  for (int i = 0; i < 60'000 && !says("reading"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_THAT(outcome.errors, HasSubstr("interrupted before the search"));
  EXPECT_FALSE(fs::exists(folder() / "run"));
  EXPECT_FALSE(fs::exists(folder() / "run.partial"));
}

}  // namespace
}  // namespace backdrop::testing
