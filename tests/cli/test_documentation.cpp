// Completions and the manual page, tried by the programs they are for where those are installed.
#include <cstdlib>

#include "tests/cli/command_test.h"

namespace backdrop::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DocumentationTest : public CommandTest {
 protected:
  bool has(const std::string& program) const {
    return std::system(fmt::format("command -v {} >/dev/null 2>&1", program).c_str()) == 0;
  }

  /// What a shell prints for a script in the test's folder; the exit code too.
  std::string shell(const std::string& program, const std::string& script) const {
    write_text(folder() / "script", script);
    const std::string command = fmt::format("cd '{}' && {} script > shown 2>&1; echo \"exit $?\" >> shown",
                                            folder().string(), program);
    EXPECT_EQ(std::system(command.c_str()), 0);
    return read_text(folder() / "shown");
  }

  /// The candidates that bash finds for the words of a command line, the last of them unfinished.
  std::string candidates(const std::string& words) const {
    return shell("bash --norc", "set -eu\nsource ./completions\nCOMP_WORDS=(" + words +
                                    ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\nCOMPREPLY=()\n_backdrop\n"
                                    "printf '<%s>' \"${COMPREPLY[@]}\"\n");
  }

  void write_completions(const std::string& shell) const {
    const Outcome outcome = run({"completions", shell});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    write_text(folder() / "completions", outcome.output);
  }
};

TEST_F(DocumentationTest, BashFindsCandidates) {
  if (!has("bash")) GTEST_SKIP() << "bash is missing";
  write_completions("bash");
  EXPECT_THAT(candidates("backdrop cha"), HasSubstr("<challenge>exit 0"));
  EXPECT_THAT(candidates("backdrop ''"), AllOf(HasSubstr("<devices>"), HasSubstr("<eval>"),
                                               HasSubstr("<report>"), HasSubstr("<--version>")));
  EXPECT_THAT(candidates("backdrop challenge --mo"), HasSubstr("<--mode>exit 0"));
  EXPECT_THAT(candidates("backdrop challenge --mode ''"), HasSubstr("<first><all>exit 0"));
  EXPECT_THAT(candidates("backdrop challenge --mode ="), HasSubstr("<first><all>exit 0"));
  EXPECT_THAT(candidates("backdrop challenge --mode = fi"), HasSubstr("<first>exit 0"));
  EXPECT_THAT(candidates("backdrop completions ''"), HasSubstr("<bash><zsh><fish>exit 0"));
  EXPECT_THAT(candidates("backdrop inspect model"), HasSubstr("<model.safetensors>exit 0"));
  EXPECT_THAT(candidates("backdrop eval --threads ''"), Not(HasSubstr("<--")));
  std::filesystem::create_directory(folder() / "with space");
  EXPECT_THAT(candidates("backdrop challenge --data-path wi"), HasSubstr("<with space>exit 0"));
}

TEST_F(DocumentationTest, ZshAndFishTakeTheirs) {
  for (const std::string name : {"zsh", "fish"}) {
    write_completions(name);
    const std::string text = read_text(folder() / "completions");
    EXPECT_THAT(text, AllOf(HasSubstr("challenge"), HasSubstr("first all")));
    if (name == "fish") {
      // Where the file is given without --checkpoint.
      EXPECT_THAT(text, HasSubstr("from inspect' -r -F -d"));
    }
    if (has(name)) {
      EXPECT_EQ(shell(name, name + " -n completions\n"), "exit 0\n") << name;
    }
  }
  if (!has("fish")) GTEST_SKIP() << "fish is missing";
  EXPECT_THAT(shell("fish", "source completions\ncomplete -C 'backdrop challenge --mode '\n"),
              AllOf(HasSubstr("first"), HasSubstr("all"), HasSubstr("exit 0")));
  EXPECT_THAT(shell("fish", "source completions\ncomplete -C 'backdrop inspect mod'\n"),
              HasSubstr("model.safetensors"));
}

TEST_F(DocumentationTest, ManualNamesEveryCommandAndIsClean) {
  const Outcome manual = run({"manual"});
  ASSERT_EQ(manual.exit_code, 0) << manual.errors;
  EXPECT_THAT(manual.output,
              AllOf(HasSubstr(".SS CHALLENGE"), HasSubstr(".SS DEVICES"), HasSubstr(".SS REPORT"),
                    HasSubstr("\\-\\-data\\-path"), HasSubstr(".SH EXIT STATUS"), HasSubstr("NO_COLOR"),
                    HasSubstr("FIRST:COUNT"), HasSubstr("\\fISIZE\\fR"), HasSubstr("\\fIINT\\fR")));
  EXPECT_THAT(manual.output, AllOf(HasSubstr("completions\\fR [\\fIoptions\\fR] \\fIbash|zsh|fish\\fR"),
                                   HasSubstr("inspect\\fR [\\fB\\-\\-checkpoint\\fR] \\fIFILE\\fR"),
                                   HasSubstr("File to write, bare or as \\-\\-out. Required.")));
  write_text(folder() / "backdrop.1", manual.output);
  if (!has("mandoc")) GTEST_SKIP() << "mandoc, which checks manual pages, is missing";
  // A date would make the page another one with every build.
  EXPECT_EQ(shell("sh", "mandoc -T lint -W warning backdrop.1 | grep -v 'missing date' || true\n"),
            "exit 0\n");
}

TEST_F(DocumentationTest, NoColourWhereNoneIsWanted) {
  draw_data(1);
  const Outcome outcome = run(challenge({"--out", "run"}));
  ASSERT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.errors + outcome.output, Not(HasSubstr("\033")));
  if (!has("script")) GTEST_SKIP() << "script(1), which makes a terminal, is missing";
  const auto on_a_terminal = [this](const std::string& environment) {
    const std::string command = "env -u NO_COLOR TERM=xterm " + environment + " '" +
                                std::string(BACKDROP_COMMAND) +
                                "' challenge --checkpoint model.safetensors --data-path data --mode all";
    return shell("sh", "script -qec \"" + command + "\" /dev/null");
  };
  EXPECT_THAT(on_a_terminal(""), HasSubstr("\r\033[K"));
  EXPECT_THAT(on_a_terminal("NO_COLOR=1"), AllOf(HasSubstr("\r\033[K"), Not(HasSubstr("\033[1m"))));
}

}  // namespace
}  // namespace backdrop::testing
