// The command under mpirun on 1, 2 and 3 ranks: the same files as one process writes; ranks that disagree are
// refused; a run whose rank was killed can be resumed.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "../temporary_folder.h"

namespace backdrop::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCommand = BACKDROP_COMMAND;
constexpr const char* kMpirun = BACKDROP_MPIRUN;
constexpr const char* kCheckpoint = BACKDROP_SOURCE_DIR "/models/demo/demo-resnet18.pt";

class Mpirun : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kMpirun)) GTEST_SKIP() << "mpirun is not installed: scripts/setup.sh --tests";
    if (!BACKDROP_HAS_MPI) GTEST_SKIP() << "built without MPI (BACKDROP_MPI)";
    ASSERT_EQ(shell(quoted(kCommand) + " demo-data data --images-per-class 2"), 0) << errors();
  }

  /// The exit status of a command line run in the test's folder.
  int shell(const std::string& line) const {
    const std::string script = "cd " + quoted(folder_.path.string()) + " && { " + line + "; } >out 2>err";
    const int status = std::system(script.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  static std::string quoted(const std::string& text) { return "'" + text + "'"; }
  /// Open MPI leaves memory to the system: for LeakSanitizer that would be a failure of every rank.
  static std::string mpirun(int ranks, const std::string& more) {
    return "env ASAN_OPTIONS=detect_leaks=0 " + quoted(kMpirun) + " --oversubscribe --allow-run-as-root -n " +
           std::to_string(ranks) + " " + more;
  }
  static std::string challenge(const std::string& more, const std::string& data = "data") {
    return quoted(kCommand) + " challenge --checkpoint " + quoted(kCheckpoint) + " --data-path " + data +
           " --threads 1 --quiet " + more;
  }

  std::string errors() const { return read_text(folder_.path / "err"); }
  std::string file(const std::string& name) const { return read_text(folder_.path / name); }

  void expect_same_run(const std::string& run, const std::string& expected) const {
    for (const char* name : {"predictions.npy", "margins.npy", "foregrounds.csv", "backgrounds.csv"}) {
      const std::string content = file(run + "/" + name);
      EXPECT_FALSE(content.empty()) << run << "/" << name;
      EXPECT_TRUE(content == file(expected + "/" + name)) << run << "/" << name << " differs";
    }
  }

  TemporaryFolder folder_;
};

TEST_F(Mpirun, GivesWhatOneProcessGives) {
  for (const std::string mode : {"all", "first"}) {
    ASSERT_EQ(shell(challenge("--mode " + mode + " --out one-" + mode)), 0) << errors();
    for (const int ranks : mode == "all" ? std::vector{3} : std::vector{1, 2}) {
      const std::string run = mode + "-" + std::to_string(ranks);
      ASSERT_EQ(shell(mpirun(ranks, challenge("--mode " + mode + " --out " + run))), 0) << errors();
      expect_same_run(run, "one-" + mode);
    }
  }
}

TEST_F(Mpirun, TheRanksShareTheWork) {
  ASSERT_EQ(shell(quoted(kCommand) + " demo-data more --images-per-class 4"), 0) << errors();
  ASSERT_EQ(shell(mpirun(2, challenge("--mode all --out shared", "more"))), 0) << errors();
  const std::string record = file("shared/run.json");
  const std::string ranks = record.substr(std::min(record.find("\"ranks\": ["), record.size()));
  EXPECT_NE(ranks.find("\"blocks\""), ranks.rfind("\"blocks\"")) << "not of two ranks: " << ranks;
  EXPECT_EQ(ranks.find("\"blocks\": 0"), std::string::npos) << "a rank did nothing: " << ranks;
}

TEST_F(Mpirun, RanksOnOneMachineShareItsMemory) {
  const auto cache_limit = [this](const std::string& run) {
    const std::string record = file(run + "/run.json");
    const std::string name = "\"cache_limit\": ";
    return std::strtod(record.c_str() + record.find(name) + name.size(), nullptr);
  };
  ASSERT_EQ(shell(challenge("--out alone")), 0) << errors();
  ASSERT_EQ(shell(mpirun(4, challenge("--out shared"))), 0) << errors();
  EXPECT_GT(cache_limit("shared"), 0);
  EXPECT_LT(cache_limit("shared"), 0.5 * cache_limit("alone"));
}

TEST_F(Mpirun, OnlyRank0Prints) {
  ASSERT_EQ(shell(mpirun(3, challenge("--mode all --json"))), 0) << errors();
  const std::string output = file("out");
  EXPECT_EQ(output.front(), '{');
  EXPECT_EQ(output.find("\"format\""), output.rfind("\"format\": \"backdrop-run"));
}

TEST_F(Mpirun, RanksThatDisagreeAreRefused) {
  EXPECT_EQ(shell(mpirun(1, challenge("--mode all")) + " : -n 1 " + challenge("--mode first")), 3);
  EXPECT_NE(errors().find("rank 1 would compute something else"), std::string::npos) << errors();
}

TEST_F(Mpirun, AllRanksTakeThePrecisionOfTheFirst) {
  const std::string int16 = challenge("--mode all --precision int16 --out run");
  if (shell(int16) == 4) GTEST_SKIP() << errors();
  EXPECT_EQ(shell("rm -r run && " + mpirun(1, int16) + " : -n 1 " + challenge("--mode all --precision auto")),
            0)
      << errors();
  EXPECT_NE(file("run/run.json").find("\"composites\": 324"), std::string::npos);
  EXPECT_EQ(shell("rm -r run && " + mpirun(1, int16) + " : -n 1 " + challenge("--mode all")), 3);
  EXPECT_NE(errors().find("its precision is fp32, not int16"), std::string::npos) << errors();
}

TEST_F(Mpirun, AFailureOfRank0EndsAllRanks) {
  EXPECT_EQ(shell(challenge("--mode all --out done")), 0) << errors();
  EXPECT_EQ(shell("timeout 60 " + mpirun(3, challenge("--mode all --out done"))), 2) << errors();
}

TEST_F(Mpirun, AFinishedRunAnswersAgain) {
  ASSERT_EQ(shell(mpirun(2, challenge("--mode all --out done"))), 0) << errors();
  ASSERT_EQ(shell("timeout 60 " + mpirun(2, challenge("--mode all --out done --resume --json"))), 0)
      << errors();
  EXPECT_EQ(file("out"), file("done/run.json"));
}

TEST_F(Mpirun, ARunWhoseRankWasKilledIsResumed) {
  ASSERT_EQ(shell(quoted(kCommand) + " demo-data more --images-per-class 4"), 0) << errors();
  const std::string run = challenge("--mode all", "more");
  // Waits for a journal of some blocks, then kills one of mpirun's children. The other may outlive mpirun by
  // the block in its hand, and holds the run's folder until then.
  const std::string kill_one =
      mpirun(2, run + " --out killed") +
      " & mpirun=$!; for i in $(seq 600); do [ \"$(stat -c %s killed.partial/journal 2>/dev/null || echo "
      "0)\" -gt "
      "2000 ] && break; sleep 0.05; done; ranks=$(pgrep -P $mpirun); kill -9 $(pgrep -n -P $mpirun); "
      "wait $mpirun; status=$?; for rank in $ranks; do for i in $(seq 600); do kill -0 $rank 2>/dev/null || "
      "break; "
      "sleep 0.05; done; done; ( exit $status )";
  EXPECT_NE(shell(kill_one), 0);
  if (fs::exists(folder_.path / "killed" / "run.json")) GTEST_SKIP() << "the run was done before the kill";
  ASSERT_EQ(shell(run + " --out killed --resume"), 0) << errors();
  ASSERT_EQ(shell(run + " --out whole"), 0) << errors();
  expect_same_run("killed", "whole");
}

}  // namespace
}  // namespace backdrop::testing
