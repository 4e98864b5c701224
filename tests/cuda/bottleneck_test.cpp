// Bottlenecks in one kernel, emulated, against the CPU's plain loops layer by layer.
#include <gtest/gtest.h>

#include "kernels/bottleneck_weights.h"
#include "kernels/dot_convolution.h"
#include "tests/cuda/emulated_bottleneck.h"
#include "tests/kernels/random_values.h"

namespace backdrop {
namespace {

using kernels::ConvolutionShape;
using kernels::DotOutput;
using kernels::ValueScale;
using test::random_int;

// One convolution in 8 bits on whole images, as the CPU has it and as the kernel takes it.
struct Convolution {
  ConvolutionShape shape;
  kernels::DotScales scales;
  std::vector<float> weights, bias;
  kernels::Int8Weights stored;
  std::vector<std::byte> fragments;
  std::vector<std::int32_t> of_window;

  Convolution(const ConvolutionShape& of, ValueScale input, ValueScale residual, ValueScale output,
              std::mt19937& generator)
      : shape(of) {
    const int taps = shape.kernel * shape.kernel;
    scales.input.assign(shape.channels, input);
    scales.residual = residual;
    scales.output = output;
    weights = test::random_values(std::size_t(shape.out_channels) * shape.channels * taps, generator);
    bias = test::random_values(shape.out_channels, generator);
    stored = kernels::store_int8(shape, weights.data(), scales.input);
    std::vector<std::byte> bytes(stored.values.size());
    std::memcpy(bytes.data(), stored.values.data(), bytes.size());
    fragments = kernels::pack_fragments(bytes, shape.out_channels, taps, shape.channels);
    of_window.resize(shape.out_channels);
    for (std::size_t i = 0; i < stored.corrections.size(); ++i)
      of_window[i % of_window.size()] += stored.corrections[i];
  }

  kernels::BottleneckConvolution device() const {
    return {fragments.data(),
            bias.data(),
            stored.scale.data(),
            of_window.data(),
            kernels::device_scale(scales.residual),
            kernels::device_scale(scales.output),
            shape.slope};
  }

  // One image, [H][W][C].
  std::vector<std::uint8_t> run(const std::vector<std::uint8_t>& input,
                                const std::vector<std::uint8_t>* residual) const {
    std::vector<std::int32_t> output, first_tap{0};
    std::vector<kernels::Tap> taps, residual_taps;
    const int reach = shape.kernel / 2;
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x) {
        output.push_back((y * shape.width + x) * shape.out_channels);
        for (int dy = -reach; dy <= reach; ++dy)
          for (int dx = -reach; dx <= reach; ++dx)
            if (y + dy >= 0 && y + dy < shape.height && x + dx >= 0 && x + dx < shape.width)
              taps.push_back({((y + dy) * shape.width + x + dx) * shape.channels,
                              static_cast<std::int16_t>((dy + reach) * shape.kernel + dx + reach)});
        first_tap.push_back(static_cast<std::int32_t>(taps.size()));
        if (residual != nullptr) residual_taps.push_back({output.back()});
      }
    std::vector<std::uint8_t> result(std::size_t(shape.height) * shape.width * shape.out_channels);
    kernels::RowPointers in, added;
    in.rows[0][0] = input.data();
    added.rows[0][0] = residual != nullptr ? residual->data() : nullptr;
    void* rows[1] = {result.data()};
    kernels::dot_convolution_reference(Precision::int8, shape, weights.data(), bias.data(), scales,
                                       {output, first_tap, taps, {}, residual_taps}, 1, in, &added, nullptr,
                                       0, DotOutput::stored, rows);
    return result;
  }
};

struct Block {
  std::vector<Convolution> convolutions;  // reduce, spatial, expand, and the shortcut if there is one

  std::vector<std::uint8_t> run(const std::vector<std::uint8_t>& input) const {
    const auto reduced = convolutions[0].run(input, nullptr);
    const auto spatial = convolutions[1].run(reduced, nullptr);
    if (convolutions.size() == 3) return convolutions[2].run(spatial, &input);
    const auto residual = convolutions[3].run(input, nullptr);
    return convolutions[2].run(spatial, &residual);
  }
};

void compare(int height, int width, int in, int middle, int out, int count, int side, bool zeros,
             unsigned seed) {
  SCOPED_TRACE(testing::Message() << height << " x " << width << ", " << in << " " << middle << " " << out
                                  << ", " << count << " of side " << side);
  std::mt19937 generator(seed);
  const auto scale = [&](float step) {
    return ValueScale{step, zeros ? static_cast<float>(random_int(1, 90, generator)) : 0.0f};
  };
  constexpr int kImages = 2;
  kernels::BottleneckArguments arguments;
  std::vector<Block> blocks;
  ValueScale value = scale(0.01f);
  const float slope = zeros ? 0.01f : 0.0f;
  for (int b = 0; b < count; ++b) {
    const int channels = b == 0 ? in : out;
    const ValueScale reduced = scale(0.05f), spatial = scale(0.2f), result = scale(0.5f);
    const ValueScale residual = channels == out ? value : scale(0.05f);
    Block& block = blocks.emplace_back();
    block.convolutions.emplace_back(ConvolutionShape{height, width, channels, middle, 1, 1, 0, 1, slope},
                                    value, ValueScale{}, reduced, generator);
    block.convolutions.emplace_back(ConvolutionShape{height, width, middle, middle, 3, 1, 1, 1, slope},
                                    reduced, ValueScale{}, spatial, generator);
    block.convolutions.emplace_back(ConvolutionShape{height, width, middle, out, 1, 1, 0, 1, slope}, spatial,
                                    residual, result, generator);
    if (channels != out)
      block.convolutions.emplace_back(ConvolutionShape{height, width, channels, out, 1, 1, 0, 1, 1.0f}, value,
                                      ValueScale{}, residual, generator);
    value = result;
  }
  for (int b = 0; b < count; ++b) {
    const auto& convolutions = blocks[b].convolutions;
    arguments.bottlenecks[b] = {
        convolutions[0].device(), convolutions[1].device(), convolutions[2].device(),
        convolutions.size() == 4 ? convolutions[3].device() : kernels::BottleneckConvolution(),
        convolutions.size() == 4};
  }
  std::vector<std::uint8_t> input(std::size_t(kImages) * height * width * in);
  for (auto& byte : input) byte = static_cast<std::uint8_t>(random_int(0, 255, generator));
  const std::size_t size = std::size_t(height) * width * out;
  std::vector<std::uint8_t> output(kImages * size, 99);
  arguments.input = input.data();
  arguments.output = output.data();
  arguments.images = kImages;
  arguments.height = height;
  arguments.width = width;
  arguments.in_channels = in;
  arguments.middle_channels = middle;
  arguments.out_channels = out;
  arguments.count = count;
  arguments.side = side;
  ASSERT_TRUE(kernels::bottleneck::can_run(Precision::int8, arguments));
  test::emulate_bottleneck<test::Int8Operands, kernels::bottleneck::Int8Arithmetic>(arguments);
  for (int n = 0; n < kImages; ++n) {
    const std::size_t image = input.size() / kImages;
    std::vector<std::uint8_t> expected(input.begin() + n * image, input.begin() + (n + 1) * image);
    for (const Block& block : blocks) expected = block.run(expected);
    ASSERT_EQ(std::vector<std::uint8_t>(output.begin() + n * size, output.begin() + (n + 1) * size), expected)
        << "image " << n;
  }
}

TEST(CudaBottleneck, OneIsTheLayersToTheBit) {
  compare(8, 8, 64, 64, 256, 1, 8, false, 1);
  compare(11, 9, 64, 64, 256, 1, 8, true, 2);
  compare(11, 9, 256, 64, 256, 1, 8, true, 3);
  compare(1, 1, 32, 32, 32, 1, 8, true, 4);
  compare(5, 17, 96, 32, 64, 1, 3, false, 5);
}

TEST(CudaBottleneck, AChainIsTheLayersToTheBit) {
  compare(9, 13, 64, 64, 256, 3, 8, true, 6);
  compare(17, 5, 64, 32, 128, 3, 16, true, 7);
  compare(10, 7, 128, 32, 128, 2, 5, false, 8);
}

}  // namespace
}  // namespace backdrop
