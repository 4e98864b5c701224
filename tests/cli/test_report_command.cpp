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

TEST_F(ReportCommandTest, APageThatWasAskedForIsWrittenOrAnError) {
  draw_data(1);
  ASSERT_EQ(evaluate("evaluation").exit_code, 0);
  EXPECT_EQ(run({"report", "evaluation"}).exit_code, 0);
  const Outcome no_challenge = run({"report", "evaluation", "--out", "page.html"});
  EXPECT_EQ(no_challenge.exit_code, 3);
  EXPECT_THAT(no_challenge.errors, HasSubstr("holds no challenge"));
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  EXPECT_EQ(read_json("run/run.json")["data"]["path"], (folder() / "data").string());
  const Outcome elsewhere =
      Process({"report", (folder() / "run").string(), "--out", "page.html"}, folder() / "evaluation").wait();
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.errors;
  EXPECT_TRUE(fs::exists(folder() / "evaluation/page.html"));
  fs::rename(folder() / "data", folder() / "away");
  EXPECT_EQ(run({"report", "run", "--out", "page.html"}).exit_code, 3);
  EXPECT_FALSE(fs::exists(folder() / "page.html"));
}

TEST_F(ReportCommandTest, ARunThatCannotBeWrittenIsShownAllTheSame) {
  draw_data(1);
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  fs::remove(folder() / "run/report.html");
  fs::create_directory(folder() / "run/report.html");  // which root cannot replace either
  const Outcome tables = run({"report", "run"});
  EXPECT_EQ(tables.exit_code, 0) << tables.errors;
  EXPECT_THAT(tables.output, HasSubstr("Challenge accuracy"));
  EXPECT_THAT(tables.errors, HasSubstr("note: the page is not drawn again"));
  fs::remove(folder() / "run/report.html");
  write_text(folder() / "run/report.html", "mine");
  EXPECT_EQ(run({"report", "run", "--json"}).exit_code, 0);
  EXPECT_EQ(read_text(folder() / "run/report.html"), "mine");
}

TEST_F(ReportCommandTest, TheClassMapIsInTheRun) {
  draw_data(1);
  write_text(folder() / "map.json", R"({"0":0,"1":1,"2":2,"3":3,"4":4,"5":-1,"6":-1,"7":7,"8":8})");
  ASSERT_EQ(run(challenge({"--class-map", "map.json", "--out", "run"})).exit_code, 0);
  EXPECT_EQ(read_json("run/run.json")["options"]["class_map_labels"], "0*1 1*1 2*1 3*1 4*1 -1*2 7*1 8*1");
  fs::remove(folder() / "map.json");
  const std::string page = read_text(folder() / "run/report.html");
  const Outcome again = run({"report", "run", "--out", "page.html"});
  ASSERT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_EQ(read_text(folder() / "page.html"), page);
}

TEST_F(ReportCommandTest, EvaluationsOfOneDataSetAreAddedUp) {
  draw_data(1);
  const auto eval = [this](const std::string& variations, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"eval",     "--checkpoint", "model.safetensors", "--eval-dataset",
                                          variations, "--out",        "evaluation",        "--quiet"};
    if (more.empty()) more = {"--data-path", "data"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  ASSERT_EQ(eval("mixed_rand, mixed_same").exit_code, 0);
  const Outcome added = eval("original");
  ASSERT_EQ(added.exit_code, 0) << added.errors;
  EXPECT_THAT(added.output, AllOf(HasSubstr("Original"), HasSubstr("BG-Gap")));
  EXPECT_EQ(eval("original").exit_code, 0);
  const nlohmann::json json = read_json("evaluation/eval.json");
  EXPECT_EQ(json["results"].size(), 3u);
  EXPECT_EQ(json["results"][0]["sha256"].get<std::string>().size(), 64u);
  ASSERT_EQ(run({"demo-data", "others", "--images-per-class", "1", "--seed", "2"}).exit_code, 0);
  const Outcome other = eval("original", {"--data-path", "others"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.errors, HasSubstr("evaluation of other data"));
  fs::rename(folder() / "data", folder() / "before");
  fs::rename(folder() / "others", folder() / "data");
  EXPECT_EQ(eval("original").exit_code, 3);
  EXPECT_EQ(read_json("evaluation/eval.json"), json);
  EXPECT_EQ(eval("original", {"--data-path", "data", "--force"}).exit_code, 0);
  EXPECT_EQ(read_json("evaluation/eval.json")["results"].size(), 1u);
}

TEST_F(ReportCommandTest, AnEvaluationIsOfItsRunsData) {
  draw_data(1);
  ASSERT_EQ(run({"demo-data", "others", "--images-per-class", "1", "--seed", "2"}).exit_code, 0);
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  const auto eval = [this](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"eval", "--checkpoint", "model.safetensors", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const Outcome refused = eval({"--data-path", "others", "--out", "run"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("searched on other data"));
  EXPECT_EQ(eval({"--data-path", "others", "--challenge", "run"}).exit_code, 2);
  fs::copy(folder() / "data", folder() / "copy", fs::copy_options::recursive);
  ASSERT_EQ(eval({"--data-path", "copy", "--out", "run"}).exit_code, 0);
  EXPECT_EQ(read_json("run/eval.json")["data"]["sha256"], read_json("run/run.json")["data"]["sha256"]);
  EXPECT_THAT(run({"report", "run"}).output, Not(HasSubstr("OTHER DATA")));
  ASSERT_EQ(eval({"--data-path", "others", "--out", "evaluation"}).exit_code, 0);
  EXPECT_THAT(run({"report", "run", "evaluation"}).output, HasSubstr("OTHER DATA"));
  fs::copy(folder() / "evaluation/eval.json", folder() / "run/eval.json",
           fs::copy_options::overwrite_existing);
  EXPECT_THAT(run({"report", "run"}).output, HasSubstr("EVALUATED ON OTHER DATA"));
}

TEST_F(ReportCommandTest, EvaluationsOfOtherDataAreMarkedBelowARowWithoutOne) {
  draw_data(1);
  ASSERT_EQ(run({"demo-data", "others", "--images-per-class", "1", "--seed", "2"}).exit_code, 0);
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  ASSERT_EQ(evaluate("one").exit_code, 0);
  EXPECT_THAT(run({"report", "run", "one", "one"}).output, Not(HasSubstr("OTHER DATA")));
  ASSERT_EQ(
      run({"eval", "--checkpoint", "model.safetensors", "--data-path", "others", "--out", "two"}).exit_code,
      0);
  EXPECT_THAT(run({"report", "run", "one", "two"}).output, HasSubstr("OTHER DATA"));
}

TEST_F(ReportCommandTest, ARunWithAMeanAndDeviationOfItsProgramIsMarkedAndNotEvaluated) {
  draw_data(1);
  ASSERT_EQ(run(challenge({"--out", "run"})).exit_code, 0);
  nlohmann::json record = read_json("run/run.json");
  record["checkpoint"]["normalization"]["source"] = "given";
  write_text(folder() / "run/run.json", record.dump());
  const Outcome refused = evaluate("run");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("a mean and deviation that a program gave"));
  EXPECT_FALSE(fs::exists(folder() / "run/eval.json"));
  EXPECT_THAT(run({"report", "run"}).output, HasSubstr("mean and deviation of its own"));
}

TEST_F(ReportCommandTest, AnEvaluationTakesNoBoundForTheAccuracy) {
  draw_data();
  ASSERT_EQ(run(challenge({"--mode", "all", "--budget", "20", "--out", "run"})).exit_code, 0);
  ASSERT_EQ(run(challenge({"--shard", "1/2", "--out", "shard"})).exit_code, 0);
  const auto eval = [this](const std::string& option, const std::string& folder_name) {
    return run(
        {"eval", "--checkpoint", "model.safetensors", "--data-path", "data", "--quiet", option, folder_name});
  };
  const Outcome bound = eval("--challenge", "run.partial");
  EXPECT_EQ(bound.exit_code, 3);
  EXPECT_THAT(bound.errors, HasSubstr("a bound only"));
  const Outcome shard = eval("--challenge", "shard");
  EXPECT_EQ(shard.exit_code, 3);
  EXPECT_THAT(shard.errors, HasSubstr("part of the foregrounds"));
  for (const char* name : {"run", "run.partial"}) {
    const Outcome unfinished = eval("--out", name);
    EXPECT_EQ(unfinished.exit_code, 2);
    EXPECT_THAT(unfinished.errors, HasSubstr("unfinished run"));
  }
  EXPECT_THAT(eval("--challenge", "run").errors, HasSubstr("unfinished run"));
  const Outcome report = run({"report", "run"});
  EXPECT_EQ(report.exit_code, 3);
  EXPECT_THAT(report.errors, HasSubstr("is an unfinished run: finish it with challenge --resume"));
  EXPECT_FALSE(fs::exists(folder() / "run"));
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
