// Every broken input at the command line: one clear line on stderr that names what is broken, the right exit
// code, nothing on stdout, nothing run, nothing left half-written.
#include <gtest/gtest.h>

#include <algorithm>

#include "broken_input.h"

namespace fs = std::filesystem;

namespace {

class BrokenInputTest : public testing::TestWithParam<BrokenInput> {};

std::vector<BrokenInput> all_broken_inputs() {
  std::vector<BrokenInput> all;
  for (const auto& part : {broken_photos(), broken_masks(), broken_trees(), broken_checkpoint_files(),
                           broken_tensors(), broken_class_maps(), broken_outputs(), broken_options()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

bool is_one_line(const std::string& text) {
  return text.find('\n') == text.size() - 1 &&
         std::all_of(text.begin(), text.end() - 1, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
}

TEST_P(BrokenInputTest, IsRefusedInOneClearLine) {
  const BrokenInput& input = GetParam();
  const Problem problem(input.name);
  if (input.damage) input.damage(problem);
  std::vector<std::string> arguments = input.arguments;
  if (!arguments.empty() && (arguments[0] == "challenge" || arguments[0] == "eval")) {
    arguments.insert(arguments.begin() + 1, "--quiet");
  }

  const CommandResult result = run_command(arguments, problem.folder(), input.disk);

  if (!result.started && input.disk != Disk::healthy) {
    GTEST_SKIP() << "this machine does not allow a test to mount a disk of its own";
  }
  SCOPED_TRACE("stderr: " + result.errors);
  ASSERT_TRUE(result.started);
  EXPECT_EQ(result.signal, 0);
  EXPECT_EQ(result.exit_code, static_cast<int>(input.code));
  EXPECT_TRUE(is_one_line(result.errors));
  EXPECT_TRUE(result.errors.starts_with("backdrop: "));
  EXPECT_NE(result.errors.find(input.named), std::string::npos) << "does not name " << input.named;
  EXPECT_NE(result.errors.find(input.says), std::string::npos) << "does not say " << input.says;
  EXPECT_EQ(result.output, "");
  EXPECT_FALSE(fs::exists(problem.folder() / "pwned")) << "code of the input was run";
}

INSTANTIATE_TEST_SUITE_P(CommandLine, BrokenInputTest, testing::ValuesIn(all_broken_inputs()),
                         [](const auto& input) { return input.param.name; });

// The undamaged problem is fine: what the table's cases are refused for is what they damage.
TEST(UndamagedProblem, IsAnswered) {
  const Problem problem("undamaged");
  const CommandResult result = run_command(challenge({"--quiet"}), problem.folder());
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(fs::exists(problem.folder() / "results/run.json"));
}

}  // namespace
