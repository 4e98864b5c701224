/// \file
/// Folding against values worked out by hand, and the layout of linear layers.
#include "models/fold.h"

#include <gtest/gtest.h>

#include "models/build.h"
#include "synthetic.h"

namespace backdrop {
namespace {

TEST(Fold, ScalesWeightsAndShiftsBiasPerChannel) {
  // variance + epsilon is 4 and 0.25, so the scales are 3 / 2 and 1 / 0.5.
  const BatchNorm norm{{3.0f, 1.0f}, {0.5f, -1.0f}, {2.0f, 0.25f}, {3.99999f, 0.24999f}};
  std::vector<float> weights = {1.0f, -2.0f, 0.5f, 4.0f};
  std::vector<float> bias = {0.0f, 1.0f};
  fold_batch_norm(norm, weights, bias);
  EXPECT_NEAR(weights[0], 1.5f, 1e-6f);
  EXPECT_NEAR(weights[1], -3.0f, 1e-6f);
  EXPECT_NEAR(weights[2], 1.0f, 1e-6f);
  EXPECT_NEAR(weights[3], 8.0f, 1e-5f);
  EXPECT_NEAR(bias[0], 0.5f - 3.0f, 1e-6f);
  EXPECT_NEAR(bias[1], -1.0f + 0.75f * 2.0f, 1e-6f);
}

TEST(Fold, ToleratesZeroVariance) {
  const BatchNorm norm{{1.0f}, {0.0f}, {0.0f}, {0.0f}};
  std::vector<float> weights = {1.0f};
  std::vector<float> bias = {0.0f};
  fold_batch_norm(norm, weights, bias);
  EXPECT_NEAR(weights[0], 316.22777f, 1e-3f);
}

TEST(Fold, KeepsTheConvolutionBiasOfVgg) {
  Checkpoint checkpoint = synthetic_checkpoint("vgg11_bn");
  checkpoint.tensors["features.0.bias"].values = {0.5f, 0.0f};
  checkpoint.tensors["features.1.weight"].values = {2.0f, 1.0f};
  checkpoint.tensors["features.1.bias"].values = {0.125f, 0.0f};
  checkpoint.tensors["features.1.running_mean"].values = {0.25f, 0.0f};
  checkpoint.tensors["features.1.running_var"].values = {0.99999f, 1.0f};
  const float weight = checkpoint.tensors["features.0.weight"].values[0];
  const Network network = build_network(checkpoint, {}, "file");
  EXPECT_NEAR(network.layers[0].weights[0], 2.0f * weight, 1e-6f);
  EXPECT_NEAR(network.layers[0].bias[0], 0.125f + (0.5f - 0.25f) * 2.0f, 1e-6f);
}

TEST(Fold, PermutesLinearWeightsToChannelsLast) {
  const Checkpoint checkpoint = synthetic_checkpoint("vgg11");
  const std::vector<float>& stored = checkpoint.tensors.at("classifier.0.weight").values;
  const Network network = build_network(checkpoint, {}, "file");
  const Layer& layer = network.layers[network.layers.size() - 3];
  ASSERT_EQ(layer.name, "classifier.0");
  ASSERT_EQ(layer.in, (ValueShape{7, 7, 16}));
  for (const auto [k, h, w, c] : {std::array{0, 0, 0, 1}, std::array{2, 3, 4, 5}, std::array{5, 6, 6, 15}}) {
    EXPECT_EQ(layer.weights[((k * 7 + h) * 7 + w) * 16 + c], stored[((k * 16 + c) * 7 + h) * 7 + w]);
  }
}

}  // namespace
}  // namespace backdrop
