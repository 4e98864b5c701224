// The same state dict in every format and wrapper gives the same tensors, and PyTorch agrees. Needs a Python
// with torch (BACKDROP_TEST_PYTHON or /usr/bin/python3); the real checkpoint needs the shared test data.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <sstream>

#include "backdrop/error.h"
#include "core/hash.h"
#include "file_writers.h"

namespace backdrop::testing {
namespace {

std::string python() {
  const char* chosen = std::getenv("BACKDROP_TEST_PYTHON");
  return chosen != nullptr ? chosen : "/usr/bin/python3";
}

bool python_has_torch() {
  return std::system((python() + " -c 'import torch' 2>/dev/null").c_str()) == 0;
}

bool run_script(const std::string& arguments) {
  return std::system(fmt::format("{} '{}/tests/checkpoint/pytorch_agreement.py' {}", python(),
                                 BACKDROP_SOURCE_DIR, arguments)
                         .c_str()) == 0;
}

StateDict read_expected(const std::filesystem::path& folder) {
  StateDict expected;
  const std::string values = read_text(folder / "expected.bin");
  std::size_t position = 0;
  std::istringstream lines(read_text(folder / "expected.txt"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    Tensor& tensor = expected[name];
    std::size_t count = 1;
    for (std::int64_t size = 0; words >> size; count *= static_cast<std::size_t>(size))
      tensor.shape.push_back(size);
    tensor.values.resize(count);
    std::memcpy(tensor.values.data(), values.data() + position, count * sizeof(float));
    position += count * sizeof(float);
  }
  return expected;
}

void expect_equal(const StateDict& tensors, const StateDict& expected) {
  ASSERT_EQ(tensors.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    EXPECT_EQ(tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(tensors.at(name).values, tensor.values) << name;
  }
}

TEST(Agreement, EveryFileOfPyTorchGivesTheSameTensors) {
  if (!python_has_torch()) GTEST_SKIP() << python() << " has no torch";
  const TemporaryFolder folder;
  ASSERT_TRUE(run_script("write '" + folder.path.string() + "'"));
  const StateDict expected = read_expected(folder.path);
  ASSERT_FALSE(expected.empty());
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path)) {
    const std::string name = file.path().filename().string();
    if (file.path().extension() != ".pt" || name.starts_with("refused")) continue;
    SCOPED_TRACE(name);
    expect_equal(load_checkpoint(file.path()).tensors, expected);
    ++files;
  }
  EXPECT_EQ(files, 16);

  const std::filesystem::path saved = folder.path / "saved.safetensors";
  save_safetensors(saved, expected, {{"format", "pt"}});
  expect_equal(load_checkpoint(saved).tensors, expected);
  EXPECT_TRUE(run_script(fmt::format("compare '{}' '{}'", folder.path.string(), saved.string())));

  expect_refused(read_text(folder.path / "refused_module.pt"), "class torch.nn.modules.linear.Linear");
  expect_refused(read_text(folder.path / "refused_torchscript.pt"), "is a TorchScript archive");
}

TEST(Agreement, ARealCheckpointOfRobustness) {
  const char* chosen = std::getenv("BACKDROP_SHARED");
  const std::filesystem::path shared = chosen != nullptr ? chosen : BACKDROP_SOURCE_DIR "/../shared";
  const std::filesystem::path path = shared / "data" / "resnet18-in9.pt";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  const Checkpoint checkpoint = load_checkpoint(path);
  EXPECT_EQ(checkpoint.format, "pytorch-zip");
  EXPECT_EQ(checkpoint.sha256, sha256_of_file(path));
  EXPECT_EQ(checkpoint.tensors.size(), 102u);
  EXPECT_EQ(checkpoint.tensors.at("conv1.weight").shape, (std::vector<std::int64_t>{64, 3, 7, 7}));
  EXPECT_EQ(checkpoint.tensors.at("conv1.weight").stored_as, "float16");
  EXPECT_EQ(checkpoint.tensors.at("fc.weight").shape, (std::vector<std::int64_t>{9, 512}));
  ASSERT_TRUE(checkpoint.normalization.has_value());
  EXPECT_NEAR(checkpoint.normalization->mean[0], 0.4717f, 1e-3);
  EXPECT_NEAR(checkpoint.normalization->deviation[2], 0.2575f, 1e-3);

  const TemporaryFolder folder;
  save_safetensors(folder.path / "copy.safetensors", checkpoint.tensors, {});
  expect_equal(load_checkpoint(folder.path / "copy.safetensors").tensors, checkpoint.tensors);
}

}  // namespace
}  // namespace backdrop::testing
