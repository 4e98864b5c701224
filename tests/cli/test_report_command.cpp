// backdrop report and eval --out: one run, several, what is refused.
#include "tests/cli/command_test.h"

namespace backdrop::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ReportCommandTest : public CommandTest {
 protected:
  Outcome evaluate(const std::string& out, const std::string& checkpoint = "model.safetensors") const {
    return run({"eval", "--checkpoint", checkpoint, "--data-path", "data", "--eval-dataset", "all", "--quiet",
                "--out", out});
  }
};

TEST_F(ReportCommandTest, DrawsTheSamePageAgainAndThenWithTheEvaluation) {
  draw_data();
  ASSERT_EQ(run(challenge({"--mode", "all", "--out", "run"})).exit_code, 0);
  const std::string drawn = read_text(folder() / "run/report.html");
  EXPECT_THAT(drawn, AllOf(HasSubstr("Confusion"), HasSubstr("<svg"), HasSubstr("data:image/jpeg")));
  fs::remove(folder() / "run/report.html");
  const Outcome again = run({"report", "run"});
  ASSERT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_THAT(again.output, AllOf(HasSubstr("Challenge accuracy"), HasSubstr("Page: run/report.html")));
  EXPECT_EQ(read_text(folder() / "run/report.html"), drawn);
  ASSERT_EQ(evaluate("run").exit_code, 0);
  EXPECT_EQ(read_json("run/eval.json")["format"], "backdrop-eval-1");
  ASSERT_EQ(run({"report", "run"}).exit_code, 0);
  EXPECT_THAT(read_text(folder() / "run/report.html"), HasSubstr("BG-Gap"));
  EXPECT_FALSE(fs::exists(folder() / "run/report.html.partial"));
}

TEST_F(ReportCommandTest, WithoutThePhotosThePageIsLeftAlone) {
  draw_data(1);
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  fs::rename(folder() / "data", folder() / "elsewhere");
  const std::string before = read_text(folder() / "run/report.html");
  const Outcome left = run({"report", "run"});
  EXPECT_EQ(left.exit_code, 0);
  EXPECT_THAT(left.errors, HasSubstr("--data-path"));
  EXPECT_EQ(read_text(folder() / "run/report.html"), before);
  const Outcome found = run({"report", "run", "--data-path", "elsewhere", "--out", "page.html"});
  ASSERT_EQ(found.exit_code, 0) << found.errors;
  EXPECT_EQ(read_text(folder() / "page.html"), before);
  ASSERT_EQ(run({"demo-data", "others", "--images-per-class", "1", "--seed", "2"}).exit_code, 0);
  EXPECT_EQ(run({"report", "run", "--data-path", "others"}).exit_code, 3);
}

TEST_F(ReportCommandTest, SeveralRunsAreALeaderboard) {
  draw_data(1);
  ASSERT_EQ(run({"demo-data", "others", "--images-per-class", "1", "--seed", "2"}).exit_code, 0);
  ASSERT_EQ(run(challenge({"--out", "one"})).exit_code, 0);
  ASSERT_EQ(run({"challenge", "--checkpoint", "model.safetensors", "--data-path", "others", "--out", "two"})
                .exit_code,
            0);
  ASSERT_EQ(evaluate("evaluation").exit_code, 0);
  const Outcome table = run({"report", "one", "two", "evaluation", "--out", "board.html"});
  ASSERT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_THAT(table.output, AllOf(HasSubstr("OTHER DATA"), HasSubstr("BG-Gap"), HasSubstr("evaluation"),
                                  HasSubstr("Page: board.html")));
  EXPECT_THAT(read_text(folder() / "board.html"), AllOf(HasSubstr("3 models"), HasSubstr("OTHER DATA")));
  const Outcome json = run({"report", "one", "two", "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.output)["runs"].size(), 2u);
}

TEST_F(ReportCommandTest, WhatIsNoResultIsRefusedInOneLine) {
  draw_data(1);
  fs::create_directory(folder() / "empty");
  EXPECT_EQ(run({"report", "empty"}).exit_code, 3);
  EXPECT_EQ(run({"report", "none"}).exit_code, 3);
  fs::create_directory(folder() / "odd");
  write_text(folder() / "odd/run.json",
             "{\"result\": {\"classes\": 7, \"challenge_accuracy\": \"x\"}, \"data\": [[]]}");
  const Outcome odd = run({"report", "odd"});
  EXPECT_EQ(odd.exit_code, 0) << odd.errors;
  write_text(folder() / "odd/run.json", "{");
  EXPECT_EQ(run({"report", "odd"}).exit_code, 3);
}

TEST_F(ReportCommandTest, AnEvaluationGoesOnlyWhereItBelongs) {
  draw_data(1);
  write_checkpoint("other.safetensors", 1000);
  ASSERT_EQ(evaluate("evaluation").exit_code, 0);
  EXPECT_EQ(evaluate("evaluation").exit_code, 0);
  EXPECT_EQ(evaluate("evaluation", "other.safetensors").exit_code, 2);
  fs::create_directory(folder() / "full");
  write_text(folder() / "full/notes", "mine");
  EXPECT_EQ(evaluate("full").exit_code, 2);
  const Outcome refused = run(challenge({"--out", "evaluation"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("holds an evaluation"));
  EXPECT_TRUE(fs::exists(folder() / "evaluation/eval.json"));
  EXPECT_EQ(run(challenge({"--out", "evaluation", "--force"})).exit_code, 0);
}

}  // namespace
}  // namespace backdrop::testing
