/// \file
/// Full-size networks against PyTorch: a script makes each with random weights, saves it as torch.save does
/// and computes its logits; the file is then read, built and run here.
///
/// Skipped where Python has no torch. Without BACKDROP_TEST_ALL=1 only a ResNet-50 runs.
/// BACKDROP_TEST_PYTHON names another interpreter than the distribution's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "golden_answers.h"
#include "models/build.h"
#include "tests/slow_tests.h"

namespace backdrop {
namespace {

/// The contract: relative to the largest logit.
constexpr float kTolerance = 1e-3f;

std::string python() {
  const char* chosen = std::getenv("BACKDROP_TEST_PYTHON");
  return chosen != nullptr ? chosen : "/usr/bin/python3";
}

bool runs(const std::string& command) {
  return std::system(command.c_str()) == 0;
}

/// A folder of its own that goes with the test.
class Folder {
 public:
  explicit Folder(const std::string& name) : path_(std::filesystem::path(testing::TempDir()) / name) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class FullSize : public testing::TestWithParam<std::string> {};

TEST_P(FullSize, AgreesWithPyTorch) {
  if (!test::slow_tests_run() && GetParam() != "resnet50") {
    GTEST_SKIP() << test::kOnlySlowTests;
  }
  if (!runs(python() + " -c 'import torch, torchvision' 2>/dev/null")) {
    GTEST_SKIP() << python()
                 << " has no torch and torchvision: install python3-torch and python3-torchvision";
  }
  const Folder folder("backdrop_full_size_" + GetParam());
  const std::filesystem::path log = folder.path() / "log";
  ASSERT_TRUE(runs(python() + " '" BACKDROP_SOURCE_DIR "/scripts/make_golden.py' full " + GetParam() + " '" +
                   folder.path().string() + "' >'" + log.string() + "' 2>&1"))
      << text_of(log);
  const std::vector<GoldenAnswers> answers = read_golden_answers(folder.path());
  ASSERT_EQ(answers.size(), 1u);
  const auto engine = make_golden_engine(load_network(answers[0].checkpoint, answers[0].arch), {});
  expect_golden_photos(*engine, answers[0], kTolerance);
}

std::string arch_name(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

/// All of them but two: wide_resnet50_3 and _5 add nothing to _2 and _4 and take minutes.
std::vector<std::string> tested_architectures() {
  std::vector<std::string> names = known_architectures();
  std::erase_if(
      names, [](const std::string& name) { return name == "wide_resnet50_3" || name == "wide_resnet50_5"; });
  return names;
}
INSTANTIATE_TEST_SUITE_P(Models, FullSize, testing::ValuesIn(tested_architectures()), arch_name);

}  // namespace
}  // namespace backdrop
