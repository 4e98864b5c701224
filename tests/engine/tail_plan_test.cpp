#include "engine/tail_plan.h"

#include <gtest/gtest.h>

#include <random>

#include "core/aligned.h"

namespace backdrop {
namespace {

std::shared_ptr<const Network> fully_connected_network(int inputs, int hidden, int classes) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  const auto layer = [&](int input, int in, int out) {
    Layer result;
    result.kind = LayerKind::fully_connected;
    result.input = input;
    result.in = {1, 1, in};
    result.out = {1, 1, out};
    for (int i = 0; i < in * out; ++i) result.weights.push_back(normal(generator));
    for (int i = 0; i < out; ++i) result.bias.push_back(normal(generator));
    return result;
  };
  auto network = std::make_shared<Network>();
  network->input = {1, 1, inputs};
  network->layers = {layer(0, inputs, hidden), layer(1, hidden, classes)};
  return network;
}

// What a thread, a rank or another order of the search puts beside a composite must not change its answer.
TEST(TailPlan, LogitsDoNotDependOnThePlaceInTheBatch) {
  constexpr int kInputs = 51;
  constexpr int kOutputs = 9;
  const auto network = fully_connected_network(kInputs, 70, kOutputs);
  std::mt19937 generator(2);
  std::normal_distribution<float> normal;
  std::vector<float> composite(kInputs);
  for (float& value : composite) value = normal(generator);
  std::vector<float> expected;
  for (const int batch : {1, 2, 3, 5, 6, 8, 12, 16, 31, 32, 33, 48, 50, 66}) {
    const TailPlan plan(network, 0, batch);
    const AlignedBuffer arena(plan.arena_bytes());
    std::fill_n(arena.floats(), arena.size() / sizeof(float), 0.0f);
    for (int row = 0; row < batch; ++row)
      std::copy(composite.begin(), composite.end(), plan.input(arena.data()) + row * kInputs);
    const float* logits = plan.run(arena.data(), nullptr);
    if (expected.empty()) expected.assign(logits, logits + kOutputs);
    for (int row = 0; row < batch; ++row)
      ASSERT_EQ(std::vector<float>(logits + row * kOutputs, logits + (row + 1) * kOutputs), expected)
          << "row " << row << " of " << batch;
  }
}

}  // namespace
}  // namespace backdrop
