// oneDNN's operations against the plain loops, on random shapes: odd sizes, batch 1, channels that are no
// multiple of a vector.
#include "kernels/dense.h"

#include <gtest/gtest.h>

#include "core/aligned.h"
#include "tests/kernels/random_values.h"

namespace backdrop::kernels {
namespace {

using test::expect_close;
using test::poisoned;
using test::random_int;
using test::random_values;

constexpr float kTolerance = 2e-5f;

std::vector<float> run(const DenseOperation& operation, const std::vector<float>& input,
                       std::vector<float> output) {
  const AlignedBuffer scratch(operation.scratch_bytes() + 64);
  operation.run(input.data(), output.data(), scratch.data());
  return output;
}

ConvolutionShape random_convolution(std::mt19937& generator) {
  ConvolutionShape shape;
  const int kernels[] = {1, 1, 3, 3, 7, 11};
  shape.kernel = kernels[random_int(0, 5, generator)];
  shape.padding = random_int(0, shape.kernel / 2, generator);
  shape.stride = random_int(1, shape.kernel == 11 ? 4 : 2, generator);
  shape.height = random_int(shape.kernel, 19, generator);
  shape.width = random_int(shape.kernel, 19, generator);
  const int groups[] = {1, 1, 1, 2, 8};
  shape.groups = groups[random_int(0, 4, generator)];
  shape.channels = shape.groups * random_int(1, 20, generator);
  shape.out_channels = shape.groups * random_int(1, 20, generator);
  const float slopes[] = {1.0f, 0.0f, 0.01f};
  shape.slope = slopes[random_int(0, 2, generator)];
  return shape;
}

TEST(Dense, ConvolutionEqualsReference) {
  std::mt19937 generator(11);
  for (int trial = 0; trial < 60; ++trial) {
    const ConvolutionShape shape = random_convolution(generator);
    const int batch = random_int(1, 3, generator);
    const bool accumulate = random_int(0, 1, generator) == 1;
    SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << shape.height << "x" << shape.width << "x"
                                    << shape.channels << " to " << shape.out_channels << ", kernel "
                                    << shape.kernel << ", groups " << shape.groups);
    const std::size_t outputs =
        std::size_t(batch) * shape.out_height() * shape.out_width() * shape.out_channels;
    const auto input =
        random_values(std::size_t(batch) * shape.height * shape.width * shape.channels, generator);
    const auto weights = random_values(
        std::size_t(shape.out_channels) * shape.channels / shape.groups * shape.kernel * shape.kernel,
        generator);
    const auto bias = random_values(shape.out_channels, generator);
    const auto residual = random_values(outputs, generator);
    auto expected = poisoned(outputs);
    convolution_reference(shape, batch, input.data(), weights.data(), bias.data(),
                          accumulate ? residual.data() : nullptr, expected.data());
    const auto operation = DenseOperation::convolution(shape, batch, weights.data(), bias.data(), accumulate);
    expect_close(run(operation, input, accumulate ? residual : poisoned(outputs)), expected, kTolerance);
  }
}

TEST(Dense, MaxPoolEqualsReference) {
  std::mt19937 generator(12);
  for (int trial = 0; trial < 30; ++trial) {
    PoolShape shape;
    shape.kernel = random_int(2, 3, generator);
    shape.stride = random_int(1, 2, generator);
    shape.padding = random_int(0, 1, generator);
    shape.height = random_int(3, 17, generator);
    shape.width = random_int(3, 17, generator);
    shape.channels = random_int(1, 70, generator);
    const int batch = random_int(1, 3, generator);
    const auto input =
        random_values(std::size_t(batch) * shape.height * shape.width * shape.channels, generator);
    auto expected = poisoned(std::size_t(batch) * shape.out_height() * shape.out_width() * shape.channels);
    max_pool_reference(shape, batch, input.data(), expected.data());
    EXPECT_EQ(run(DenseOperation::max_pool(shape, batch), input, poisoned(expected.size())), expected);
  }
}

TEST(Dense, AveragePoolEqualsReference) {
  std::mt19937 generator(13);
  for (int trial = 0; trial < 20; ++trial) {
    const int height = random_int(1, 9, generator);
    const int width = random_int(1, 9, generator);
    const int channels = random_int(1, 70, generator);
    const int batch = random_int(1, 4, generator);
    const auto input = random_values(std::size_t(batch) * height * width * channels, generator);
    auto expected = poisoned(std::size_t(batch) * channels);
    average_pool_reference(height, width, channels, batch, input.data(), expected.data());
    const auto operation = DenseOperation::average_pool(height, width, channels, batch);
    expect_close(run(operation, input, poisoned(expected.size())), expected, kTolerance);
  }
}

TEST(Dense, FullyConnectedEqualsReference) {
  std::mt19937 generator(14);
  for (int trial = 0; trial < 30; ++trial) {
    const FullyConnectedShape shape{random_int(1, 600, generator), random_int(1, 90, generator),
                                    trial % 2 == 0 ? 1.0f : 0.0f};
    const int batch = random_int(1, 5, generator);
    const auto input = random_values(batch * shape.inputs, generator);
    const auto weights = random_values(shape.outputs * shape.inputs, generator);
    const auto bias = random_values(shape.outputs, generator);
    auto expected = poisoned(std::size_t(batch) * shape.outputs);
    fully_connected_reference(shape, batch, input.data(), weights.data(), bias.data(), expected.data());
    const auto operation = DenseOperation::fully_connected(shape, batch, weights.data(), bias.data());
    expect_close(run(operation, input, poisoned(expected.size())), expected, kTolerance);
  }
}

}  // namespace
}  // namespace backdrop::kernels
