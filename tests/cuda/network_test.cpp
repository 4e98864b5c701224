// Networks as the GPU takes them compute the same function.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/aligned.h"
#include "engine/batch_plan.h"
#include "engine/padded_network.h"
#include "kernels/precision.h"
#include "tests/engine/random_network.h"
#include "tests/kernels/random_values.h"

namespace backdrop {
namespace {

std::vector<float> logits_of(std::shared_ptr<const Network> network, const std::vector<float>& input) {
  const int classes = network->classes();
  const auto plan = make_reference_plan(std::move(network));
  AlignedBuffer arena(plan->arena_bytes());
  std::copy(input.begin(), input.end(), plan->input(arena.data()));
  const float* logits = plan->run(arena.data());
  return std::vector<float>(logits, logits + classes);
}

void expect_same_function(const std::shared_ptr<const Network>& network, unsigned seed) {
  std::mt19937 generator(seed);
  const auto photo = test::random_values(network->input.size(), generator);
  const auto expected = logits_of(network, photo);
  for (const int multiple : {8, 16}) {
    const auto padded = std::make_shared<const Network>(pad_for_device(*network, 64, multiple));
    std::vector<float> input;
    for (std::size_t p = 0; p < photo.size() / 3; ++p) {
      input.insert(input.end(), photo.begin() + 3 * p, photo.begin() + 3 * p + 3);
      input.insert(input.end(), kPixelChannels - 3, 0.0f);
    }
    auto actual = logits_of(padded, input);
    for (const Layer& layer : padded->layers) {
      EXPECT_EQ(layer.out.channels % multiple, 0);
      if (layer.kind != LayerKind::convolution) continue;
      EXPECT_EQ(layer.in.channels / layer.groups % (layer.input == 0 ? kPixelChannels : multiple), 0);
      EXPECT_EQ(layer.out.channels / layer.groups % multiple, 0);
      EXPECT_EQ(device_weights(layer).size(), layer.weights.size());
    }
    for (std::size_t k = expected.size(); k < actual.size(); ++k) EXPECT_EQ(actual[k], 0.0f);
    actual.resize(expected.size());
    test::expect_close(actual, expected, 1e-5f);
  }
}

TEST(CudaNetwork, PaddingKeepsTheFunction) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    expect_same_function(test::random_residual_network(17, seed), seed);
    expect_same_function(test::random_plain_network(16, seed), seed);
  }
}

// ResNeXt's 32 groups of 4 channels become fewer and wider ones.
TEST(CudaNetwork, NarrowGroupsAreMerged) {
  std::mt19937 generator(5);
  Network network;
  network.input = {6, 6, 3};
  const auto add = [&](int input, int channels, int kernel, int groups) {
    Layer layer;
    layer.input = input;
    layer.kernel = kernel;
    layer.padding = kernel / 2;
    layer.groups = groups;
    layer.in = network.shape(input);
    layer.out = {6, 6, channels};
    layer.weights = test::random_values(
        std::size_t(channels) * (layer.in.channels / groups) * kernel * kernel, generator);
    layer.bias = test::random_values(channels, generator);
    network.layers.push_back(layer);
  };
  add(0, 128, 1, 1);
  add(1, 128, 3, 32);
  EXPECT_EQ(pad_for_device(network).layers[1].groups, 2);
  expect_same_function(std::make_shared<const Network>(network), 6);
}

}  // namespace
}  // namespace backdrop
