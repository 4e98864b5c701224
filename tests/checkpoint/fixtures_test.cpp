// Files that torch.save wrote (make_fixtures.py): every dtype, protocol and wrapper in both formats.
#include <gtest/gtest.h>

#include "file_writers.h"

namespace backdrop::testing {
namespace {

/// Element `index` of a tensor with this seed, as make_fixtures.py fills it.
float filled(int seed, std::int64_t index) {
  return static_cast<float>((37 * (index + seed)) % 61 - 30) / 8;
}

/// A tensor of `shape` whose element [i0][i1]... is number offset + sum(i * strides) of the numbers with this
/// seed.
void expect_view(const Checkpoint& checkpoint, const std::string& name, int seed,
                 const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
                 std::int64_t offset = 0) {
  ASSERT_TRUE(checkpoint.tensors.contains(name)) << name;
  const Tensor& tensor = checkpoint.tensors.at(name);
  ASSERT_EQ(tensor.shape, shape) << name;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  ASSERT_EQ(tensor.values.size(), static_cast<std::size_t>(count)) << name;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i;
    std::int64_t element = offset;
    for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) element += rest % shape[d] * strides[d];
    ASSERT_EQ(tensor.values[static_cast<std::size_t>(i)], filled(seed, element)) << name << " element " << i;
  }
}

void expect_small_net(const Checkpoint& checkpoint) {
  expect_view(checkpoint, "conv1.weight", 1, {4, 3, 3, 3}, {27, 9, 3, 1});
  expect_view(checkpoint, "bn1.running_mean", 2, {4}, {1});
  expect_view(checkpoint, "fc.weight", 3, {2, 4}, {4, 1});
  EXPECT_EQ(checkpoint.tensors.size(), 3u);
}

class Fixtures : public ::testing::TestWithParam<std::string> {
 protected:
  Checkpoint load(const std::string& name) const {
    return load_checkpoint(fixtures() / (GetParam() + name + ".pt"));
  }
};

TEST_P(Fixtures, EveryFloatTypeIsWidened) {
  for (const std::string type : {"float32", "float16", "bfloat16", "float64"}) {
    SCOPED_TRACE(type);
    const Checkpoint checkpoint = load(type);
    expect_small_net(checkpoint);
    EXPECT_EQ(checkpoint.format, GetParam() == "zip_" ? "pytorch-zip" : "pytorch-legacy");
    EXPECT_EQ(checkpoint.tensors.at("fc.weight").stored_as, type);
    EXPECT_EQ(checkpoint.sha256.size(), 64u);
    EXPECT_TRUE(checkpoint.metadata.empty());
    EXPECT_FALSE(checkpoint.normalization.has_value());
  }
}

TEST_P(Fixtures, EveryProtocolOfTorchSave) {
  for (const std::string protocol : {"protocol3", "protocol4", "protocol5"}) {
    SCOPED_TRACE(protocol);
    expect_small_net(load(protocol));
  }
}

TEST_P(Fixtures, Views) {
  const Checkpoint checkpoint = load("views");
  expect_view(checkpoint, "transposed", 5, {4, 6}, {1, 4});
  expect_view(checkpoint, "rows", 5, {3, 4}, {8, 1}, 4);
  expect_view(checkpoint, "columns", 5, {6, 2}, {4, 1}, 1);
  expect_view(checkpoint, "permuted", 6, {4, 2, 3}, {1, 12, 4});
  expect_view(checkpoint, "channels_last", 7, {2, 3, 4, 5}, {60, 20, 5, 1});
  expect_view(checkpoint, "expanded", 8, {3, 5}, {1, 0});
  expect_view(checkpoint, "scalar", 9, {}, {});
  expect_view(checkpoint, "parameter", 10, {2, 2}, {2, 1});
  EXPECT_EQ(checkpoint.tensors.at("empty").shape, (std::vector<std::int64_t>{0, 3}));
  EXPECT_TRUE(checkpoint.tensors.at("empty").values.empty());
}

TEST_P(Fixtures, RobustnessCheckpointWithAllThatLiesBesideTheWeights) {
  const Checkpoint checkpoint = load("robustness");
  expect_small_net(checkpoint);
  ASSERT_TRUE(checkpoint.normalization.has_value());
  EXPECT_EQ(checkpoint.normalization->mean, (std::array<float, 3>{0.5f, 0.25f, 0.125f}));
  EXPECT_EQ(checkpoint.normalization->deviation, (std::array<float, 3>{0.25f, 0.5f, 1.0f}));
}

INSTANTIATE_TEST_SUITE_P(Formats, Fixtures, ::testing::Values("zip_", "legacy_"),
                         [](const auto& parameter) { return parameter.param == "zip_" ? "zip" : "legacy"; });

TEST(PickledModules, AreRefusedByTheirClass) {
  expect_refused(read_text(fixtures() / "zip_module.pt"),
                 "holds a whole pickled model (class torch.nn.modules.container.Sequential)");
}

}  // namespace
}  // namespace backdrop::testing
