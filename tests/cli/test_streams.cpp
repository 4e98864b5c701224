// stdout and stderr that are closed or cannot be written.
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>

#include "tests/cli/command_test.h"

namespace backdrop::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class StreamsTest : public CommandTest {
 protected:
  /// The exit code of the command with these arguments and redirections, as a shell runs it.
  int run_in_shell(const std::string& arguments) const {
    const std::string line =
        fmt::format("cd '{}' && '{}' {}", folder().string(), BACKDROP_COMMAND, arguments);
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

const char* const kChallenge = "challenge --checkpoint model.safetensors --data-path data --mode all";

TEST_F(StreamsTest, ABrokenStderrChangesNoResultAndNoExitCode) {
  draw_data(1);
  ASSERT_EQ(run_in_shell(fmt::format("{} --out whole >whole.txt 2>/dev/null", kChallenge)), 0);
  for (const std::string broken : {"2>/dev/full", "2>&-", "2>&- <&-"}) {
    SCOPED_TRACE(broken);
    EXPECT_EQ(run_in_shell(fmt::format("{} --out run --force >run.txt {}", kChallenge, broken)), 0);
    for (const std::string name : {"predictions.npy", "margins.npy", "foregrounds.csv", "backgrounds.csv"})
      EXPECT_EQ(read_text(folder() / "run" / name), read_text(folder() / "whole" / name)) << name;
    EXPECT_EQ(run_in_shell("no-such-command " + broken), 2);
    EXPECT_EQ(run_in_shell("inspect missing.pt " + broken), 3);
    EXPECT_EQ(run_in_shell("manifest data >manifest.txt " + broken), 0);
  }
}

TEST_F(StreamsTest, AStdoutThatCannotBeWrittenIsAFailureOfItsOwn) {
  for (const std::string broken : {">/dev/full", ">&-"})
    for (const std::string command : {"--version", "manual", "inspect model.safetensors --layers"}) {
      SCOPED_TRACE(command + " " + broken);
      EXPECT_EQ(run_in_shell(fmt::format("{} {} 2>errors.txt", command, broken)), 1);
      EXPECT_EQ(read_text(folder() / "errors.txt"), "backdrop: standard output cannot be written\n");
    }
}

}  // namespace
}  // namespace backdrop::testing
