// Help, versions, and command lines that cannot be meant: exit codes and one clear line.
#include <utility>

#include "backdrop/error.h"
#include "cli/budget.h"
#include "tests/cli/command_test.h"

namespace backdrop::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using UsageTest = CommandTest;

/// One line on stderr that starts as every complaint does, and nothing on stdout.
void expect_complaint(const Outcome& outcome, int exit_code, const std::string& named) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.errors;
  EXPECT_THAT(outcome.output, IsEmpty());
  EXPECT_THAT(outcome.errors, AllOf(StartsWith("backdrop: "), HasSubstr(named)));
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
}

TEST_F(UsageTest, Version) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, AllOf(StartsWith("backdrop "), HasSubstr("git "), HasSubstr("oneDNN 2."),
                                    HasSubstr("CPU: "), HasSubstr("CUDA: ")));
  EXPECT_THAT(outcome.errors, IsEmpty());
}

TEST_F(UsageTest, Help) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* command : {"challenge", "eval", "inspect", "convert", "demo-data"}) {
    EXPECT_THAT(outcome.output, HasSubstr(command));
    const Outcome of_command = run({command, "--help"});
    EXPECT_EQ(of_command.exit_code, 0);
    EXPECT_THAT(of_command.output, HasSubstr("Usage: "));
  }
  EXPECT_THAT(run({"challenge", "--help"}).output, HasSubstr("--cache-memory SIZE "));
  const std::string convert = run({"convert", "--help"}).output;
  EXPECT_THAT(convert, AllOf(HasSubstr("  checkpoint FILE REQUIRED"), HasSubstr("bare or as --checkpoint"),
                             HasSubstr("bare or as --out")));
  EXPECT_EQ(convert.find("--checkpoint"), convert.rfind("--checkpoint"));
}

std::vector<std::string> plan(std::vector<std::string> more) {
  more.insert(more.begin(), {"plan", "--checkpoint", "model.safetensors", "--data-path", "data"});
  return more;
}

std::vector<std::string> eval(std::vector<std::string> more) {
  more.insert(more.begin(), {"eval", "--checkpoint", "model.safetensors", "--data-path", "data"});
  return more;
}

TEST_F(UsageTest, CommandLinesThatCannotBeMeant) {
  expect_complaint(run({}), 2, "subcommand");
  expect_complaint(run({"chalenge"}), 2, "chalenge");
  expect_complaint(run({"challenge", "--data-path", "data"}), 2, "--checkpoint");
  expect_complaint(run({"challenge", "--checkpoint", "model.safetensors"}), 2, "--data-path");
  expect_complaint(run(challenge({"--fast"})), 2, "--fast");
  expect_complaint(run(challenge({"--mode", "quick"})), 2, "--mode");
  expect_complaint(run(challenge({"--threads", "-1"})), 2, "--threads");
  expect_complaint(run(challenge({"--reuse", "maybe"})), 2, "--reuse");
  expect_complaint(run(challenge({"--order", "random"})), 2, "--order");
  expect_complaint(run(challenge({"--budget", "3 days"})), 2, "--budget");
  expect_complaint(run(challenge({"--budget", "1h30"})), 2, "1h30m or 2d for --budget");
  expect_complaint(run(challenge({"--resume"})), 2, "--out");
  expect_complaint(run(challenge({"--resume", "--force", "--out", "run"})), 2, "--force");
  expect_complaint(run(challenge({"--resume", "--out", "run", "--logits", "l.npy"})), 2, "--logits");
  expect_complaint(run(plan({"--precision", "fp8"})), 2, "--precision");
  expect_complaint(run({"merge", "whole"}), 2, "shards");
  expect_complaint(run(challenge({"--cache-memory", "much"})), 2, "--cache-memory");
  expect_complaint(run(challenge({"--device", "abacus"})), 2, "--device");
  expect_complaint(run(challenge({"--device", "cuda:0,"})), 2, "cuda:N,M or cuda:all");
  expect_complaint(run(challenge({"--device", "cuda:0,2,0"})), 2, "names GPU 0 twice");
  for (const char* window :
       {"20", "20:", ":5", "0:5", "20:0", "-1:5", "20:5x", "20:5:1", "99999999999:1", ""})
    expect_complaint(run(challenge({"--device", "cuda", "--profile-window", window})), 2, "--profile-window");
  expect_complaint(run(challenge({"--profile-window", "20:5"})), 2, "--device cuda");
  expect_complaint(run(challenge({"--gpu-plans", "maybe"})), 2, "--gpu-plans");
  expect_complaint(run(challenge({"--gpu-without", "graphs,magic"})), 2, "--gpu-without");
  expect_complaint(run(challenge({"--device", "cpu", "--profile-window", "20:5"})), 2, "--device cuda");
  expect_complaint(run({"demo-data", "data", "--seed", "-1"}), 2, "--seed");
  expect_complaint(run(challenge({"--cache-memory", "-1"})), 2, "--cache-memory");
  expect_complaint(run(plan({"--backgrounds", "-1"})), 2, "--backgrounds");
  expect_complaint(run(plan({"--picture-of", "-1"})), 2, "--picture-of");
  expect_complaint(run(eval({"--eval-dataset", ","})), 2, "no variation is named");
  expect_complaint(run(eval({"--precision", "int8"})), 2, "--precision");
  expect_complaint(run({"demo-data", "data", "--images-per-class", "0"}), 2, "--images-per-class");
  expect_complaint(run({"demo-data", "data", "--images-per-class", "10000"}), 2, "--images-per-class");
  expect_complaint(run({"convert", "model.safetensors", "model.pt"}), 2, "model.pt");
}

TEST_F(UsageTest, MisspeltWordsAreNamed) {
  expect_complaint(run({"chalenge", "--data-path", "data"}), 2, "no subcommand: did you mean challenge?");
  expect_complaint(run({"search"}), 2, "search is no subcommand (--help");
  expect_complaint(run({"challenge", "--chekpoint", "model.safetensors"}), 2, "did you mean --checkpoint?");
  expect_complaint(run({"challenge", "--data_path=data"}), 2,
                   "--data_path=data is no option of challenge: did you mean --data-path?");
  expect_complaint(run({"eval", "-data-path", "data"}), 2, "-data-path is no option of eval: did you mean");
  expect_complaint(run(challenge({"--fast"})), 2, "--fast is no option of challenge (--help");
  expect_complaint(run({"--quiet", "eval", "--data-path", "data"}), 2, "--quiet is no option of backdrop");
}

TEST_F(UsageTest, EmptyArgumentsAreRefused) {
  expect_complaint(run(challenge({"--out", ""})), 2, "--out is empty");
  expect_complaint(run({"convert", "", "model.safetensors"}), 2, "argument 2 is empty");
  expect_complaint(run(challenge({"--out=", "--quiet"})), 2, "--out is empty");
}

TEST(BudgetTest, IsANumberOfPairsOrATime) {
  EXPECT_EQ(parse_budget("90").pairs, 90u);
  EXPECT_EQ(parse_budget("90").seconds, 0);
  const std::pair<const char*, double> times[] = {{"90s", 90},      {"45m", 2700},   {"1.5h", 5400},
                                                  {"2d", 172800},   {"1h30m", 5400}, {"2d12h", 216000},
                                                  {"1m0.5s", 60.5}, {"0h5m", 300}};
  for (const auto& [text, seconds] : times) {
    EXPECT_EQ(parse_budget(text).pairs, 0u) << text;
    EXPECT_DOUBLE_EQ(parse_budget(text).seconds, seconds) << text;
  }
  for (const char* text : {"",
                           "0",
                           "0s",
                           "-1",
                           "-1h",
                           "1.5",
                           "1e3",
                           "h",
                           "1hm",
                           "30m1h",
                           "1h30",
                           "1h1h",
                           "2 h",
                           " 2h",
                           "2h ",
                           "2H",
                           "1,5h",
                           "1.h",
                           ".5h",
                           "infs",
                           "nanh",
                           "0x10s",
                           "90sec",
                           "9999999999999999999999",
                           "99999999999999d"})
    EXPECT_THROW(parse_budget(text), Error) << text;
}

TEST_F(UsageTest, TheGpuIsMissing) {
  expect_complaint(run(challenge({"--device", "cuda:99"})), 4, "use --device cpu");
  expect_complaint(run(challenge({"--device", "cuda:98,99"})), 4, "use --device cpu");
}

TEST_F(UsageTest, MissingAndForeignFiles) {
  expect_complaint(run({"inspect", "none.pt"}), 3, "none.pt");
  write_text(folder() / "page.pt", "<!doctype html><html></html>");
  expect_complaint(run({"inspect", "page.pt"}), 3, "page.pt");
  expect_complaint(run(challenge({"--quiet"})), 3, "data");
}

TEST_F(UsageTest, ClassCountsAreChecked) {
  write_checkpoint("five.safetensors", 5);
  draw_data(1);
  const std::vector<std::string> five = {"eval",        "--checkpoint", "five.safetensors",
                                         "--data-path", "data",         "--quiet"};
  const auto with = [&five](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = five;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  expect_complaint(run(with({"--in9"})), 2, "--in9");
  expect_complaint(run(five), 2, "--class-map");
  write_text(folder() / "map.json", R"({"0": 0, "1": -1, "2": 2, "3": 8, "4": 8})");
  EXPECT_EQ(run(with({"--class-map", "map.json"})).exit_code, 0);
  write_text(folder() / "short.json", R"({"0": 0})");
  expect_complaint(run(with({"--class-map", "short.json"})), 3, "short.json");
}

}  // namespace
}  // namespace backdrop::testing
