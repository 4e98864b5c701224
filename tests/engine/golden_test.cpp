/// \file
/// Thin networks of every family against PyTorch's logits, from the committed checkpoints (tests/golden).
#include <gtest/gtest.h>

#include <filesystem>

#include "golden_answers.h"
#include "models/build.h"
#include "models/convert.h"

namespace backdrop {
namespace {

/// Far inside the contract of 1e-3: thin networks sum few products, and a wrong epsilon or slope must show.
constexpr float kThinTolerance = 2e-5f;

const std::vector<GoldenAnswers>& golden_answers() {
  static const auto answers =
      read_golden_answers(std::filesystem::path(BACKDROP_SOURCE_DIR) / "tests" / "golden");
  return answers;
}

class Golden : public testing::TestWithParam<std::size_t> {
 protected:
  void compare(const EngineOptions& options) const {
    const GoldenAnswers& answers = golden_answers()[GetParam()];
    const auto engine = make_golden_engine(load_network(answers.checkpoint, answers.arch), options);
    expect_golden_photos(*engine, answers, kThinTolerance);
    expect_golden_composites(*engine, answers, kThinTolerance);
  }
};

TEST_P(Golden, TunedKernelsWithReuse) {
  compare({});
}

TEST_P(Golden, TunedKernelsWithoutReuse) {
  compare({.reuse = false});
}

TEST_P(Golden, ReferenceKernels) {
  compare({.reference = true, .reuse = false});
}

TEST_P(Golden, ConvertedCheckpointIsTheSameNetwork) {
  const GoldenAnswers& answers = golden_answers()[GetParam()];
  const Checkpoint source = load_checkpoint(answers.checkpoint);
  BuildReport report;
  const Network network = build_network(source, {.arch = answers.arch}, answers.checkpoint.string(), &report);
  const FoldedCheckpoint folded =
      export_folded(network, source, report, answers.checkpoint.filename().string());
  const auto path =
      std::filesystem::path(testing::TempDir()) / ("backdrop_converted_" + answers.arch + ".safetensors");
  save_safetensors(path, folded.tensors, folded.metadata);
  const auto again = load_network(path, "");
  std::filesystem::remove(path);
  EXPECT_EQ(again->arch, answers.arch);
  EXPECT_EQ(again->normalization.mean, network.normalization.mean);
  EXPECT_EQ(again->normalization.deviation, network.normalization.deviation);
  ASSERT_EQ(again->layers.size(), network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    EXPECT_TRUE(again->layers[i].weights == network.layers[i].weights) << network.layers[i].name;
    EXPECT_TRUE(again->layers[i].bias == network.layers[i].bias) << network.layers[i].name;
  }
}

std::string golden_name(const testing::TestParamInfo<std::size_t>& info) {
  return golden_answers()[info.param].arch;
}
INSTANTIATE_TEST_SUITE_P(Thin, Golden, testing::Range(std::size_t{0}, golden_answers().size()), golden_name);

}  // namespace
}  // namespace backdrop
