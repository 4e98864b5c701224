// Each GPU kernel alone, in every precision, against the plain loops: the first thing to run on a new device.
// The cases named Small are few enough for a memory checker.
#include <gtest/gtest.h>

#include "kernels/composite_cuda.h"
#include "kernels/decide.h"
#include "kernels/decide_cuda.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool.h"
#include "kernels/position_pool_cuda.h"
#include "tests/conformance/device_values.h"
#include "tests/cuda/host_elements.h"
#include "tests/cuda/host_halves.h"

namespace backdrop {
namespace {

using kernels::ConvolutionShape;
using test::DeviceList;
using test::DeviceValue;
using test::from_device;
using test::random_int;
using test::to_device;

class CudaKernels : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override { test::require_gpu(); }

  // Calls `body` with the host's elements of the precision.
  template <class Body>
  void with_elements(const Body& body) {
    switch (GetParam()) {
      case Precision::fp16:
        return body(test::HostHalves());
      case Precision::bf16:
        return body(test::HostBfloat16s());
      case Precision::fp32:
      case Precision::tf32:
      case Precision::int16:
      case Precision::int8:
      case Precision::fp8:
        break;
    }
    body(test::HostFloats());
  }

  float tolerance() const {
    switch (GetParam()) {
      case Precision::tf32:
        return 2e-3f;
      case Precision::fp16:
        return 1e-3f;  // of rounding the output
      case Precision::bf16:
        return 8e-3f;
      case Precision::fp32:
      case Precision::int16:
      case Precision::int8:
      case Precision::fp8:
        break;
    }
    return 2e-5f;
  }

  template <class Traits>
  void compare_convolution(Traits, const ConvolutionShape& shape, int positions, int rows, bool with_start,
                           bool with_residual, std::mt19937& generator) {
    using Element = typename Traits::Element;
    SCOPED_TRACE(testing::Message() << shape.channels << " to " << shape.out_channels << " channels, "
                                    << shape.groups << " groups, window " << shape.kernel << ", " << positions
                                    << " positions, " << rows << " rows");
    const int window = shape.kernel * shape.kernel;
    const int channels = shape.channels / shape.groups;
    const test::RandomList list(positions, shape.channels, shape.out_channels, window, with_start ? 0 : 1,
                                with_start, with_residual, generator);
    const test::RandomValue<Traits> input(shape.channels, rows, generator);
    const test::RandomValue<Traits> residual(shape.out_channels, rows, generator);
    const auto bias = test::random_values(shape.out_channels, generator);
    auto weights = test::random_values(std::size_t(shape.out_channels) * channels * window, generator);
    std::vector<Element> packed(weights.size());
    for (int k = 0; k < shape.out_channels; ++k)
      for (int c = 0; c < channels; ++c)
        for (int tap = 0; tap < window; ++tap) {
          float& weight = weights[(std::size_t(k) * channels + c) * window + tap];
          const Element element = Traits::from_float(weight);
          weight = Traits::to_float(element);
          packed[(std::size_t(k) * window + tap) * channels + c] = element;
        }
    const int start_stride = (shape.out_channels + 15) / 16 * 16;
    const auto starts = test::random_values(std::size_t(4) * start_stride, generator);
    const std::int64_t row_size = std::int64_t{positions} * shape.out_channels;

    const DeviceList device_list(list);
    const DeviceValue<Traits> device_input(input), device_residual(residual);
    const DeviceBuffer device_bias = to_device(bias), device_starts = to_device(starts),
                       device_output(row_size * rows * sizeof(Element));
    kernels::ConvolutionArguments arguments =
        test::arguments_of({shape, positions, rows, with_start, with_residual});
    arguments.work = device_list.work;
    arguments.input = device_input.rows;
    arguments.residual = device_residual.rows;
    arguments.bias = device_bias.as<float>();
    arguments.starts = device_starts.as<float>();
    arguments.start_stride = start_stride;
    arguments.output = {device_output.data(), row_size, nullptr, kernels::DotOutput::stored};
    const std::vector<float> expected = test::plain_convolution(
        shape, weights, bias, list.host(), rows, input, residual, starts, start_stride, shape.slope);
    test::for_all_products(GetParam(), arguments, packed, [&](const auto& convolution) {
      std::vector<Element> output(row_size * rows, Traits::from_float(6e4f));  // poison
      copy_to_device(device_output.data(), output.data(), output.size() * sizeof(Element), "poison");
      check_cuda(kernels::position_convolution_cuda(GetParam(), convolution, nullptr), "convolution");
      from_device(device_output, output);
      std::vector<float> actual;
      for (const Element value : output) actual.push_back(Traits::to_float(value));
      test::expect_close(actual, expected, tolerance());
    });
  }
};

TEST_P(CudaKernels, SmallConvolutions) {
  std::mt19937 generator(51);
  with_elements([&](auto traits) {
    for (const int rows : {1, 5, 128}) {
      const ConvolutionShape shape{0, 0, 16, 72, 3, 1, 1, 1, 0.0f};
      compare_convolution(traits, shape, rows == 1 ? 40 : 3, rows, true, true, generator);
    }
  });
}

TEST_P(CudaKernels, RandomConvolutions) {
  std::mt19937 generator(52);
  with_elements([&](auto traits) {
    // fp32 has three kinds of products to try; tf32 and bf16 are fp16's kernel with other instructions.
    for (int trial = 0; trial < test::trials(GetParam() == Precision::fp16 ? 40 : 20); ++trial) {
      ConvolutionShape shape;
      shape.kernel = random_int(1, 3, generator);
      shape.groups = random_int(0, 2, generator) == 0 ? 2 : 1;
      shape.channels = shape.groups * 8 * random_int(1, 20, generator);
      shape.out_channels = shape.groups * 8 * random_int(1, 40, generator);
      shape.slope = 0.01f;
      const int row_counts[] = {1, 3, 16, 45, 128, 150};
      const int rows = row_counts[trial % 6];
      compare_convolution(traits, shape, random_int(1, rows > 40 ? 20 : 200, generator), rows, trial % 2 == 0,
                          trial % 3 == 0, generator);
      if (HasFatalFailure()) return;
    }
  });
}

// Taps of whole stages, column tiles that are full or not, an odd number of row tiles.
TEST_P(CudaKernels, SmallClusters) {
  std::mt19937 generator(61);
  with_elements([&](auto traits) {
    const int stage = 128 / static_cast<int>(element_bytes(GetParam()));
    compare_convolution(traits, {0, 0, stage, 264, 3, 1, 1, 1, 0.0f}, 3, 128, true, true, generator);
    compare_convolution(traits, {0, 0, 6 * stage, 72, 1, 1, 0, 1, 0.01f}, 70, 5, false, true, generator);
    compare_convolution(traits, {0, 0, stage, 64, 3, 1, 1, 1, 0.0f}, 5, 130, false, false, generator);
    compare_convolution(traits, {0, 0, 4 * stage, 512, 2, 1, 0, 2, 1.0f}, 150, 1, true, false, generator);
  });
}

TEST_P(CudaKernels, SmallConvolutionsOfPixels) {
  std::mt19937 generator(57);
  with_elements([&](auto traits) {
    for (const int rows : {1, 50, 128}) {
      const ConvolutionShape shape{0, 0, kPixelChannels, 72, rows == 50 ? 5 : 7, 1, 1, 1, 0.0f};
      compare_convolution(traits, shape, rows == 1 ? 40 : 3, rows, true, false, generator);
    }
  });
}

TEST_P(CudaKernels, RandomConvolutionsOfPixels) {
  std::mt19937 generator(58);
  with_elements([&](auto traits) {
    for (int trial = 0; trial < test::trials(20); ++trial) {
      const test::DeviceCase c = test::random_pixel_case(0.01f, 40, generator);
      compare_convolution(traits, c.shape, c.positions, c.rows, c.with_start, c.with_residual, generator);
      if (HasFatalFailure()) return;
    }
  });
}

TEST_P(CudaKernels, WideWindowsAndLongSums) {
  std::mt19937 generator(53);
  with_elements([&](auto traits) {
    ConvolutionShape shape{0, 0, kPixelChannels, 64, 11, 1, 0, 1, 0.0f};
    compare_convolution(traits, shape, 30, 9, false, false, generator);
    shape = {0, 0, 8 * test::trials(576), 200, 1, 1, 0, 1, 1.0f};  // a fully connected layer
    compare_convolution(traits, shape, 1, 130, false, false, generator);
  });
}

TEST_P(CudaKernels, SmallPools) {
  std::mt19937 generator(54);
  with_elements([&](auto traits) {
    using Traits = decltype(traits);
    using Element = typename Traits::Element;
    constexpr int kChannels = 24, kRows = 13, kPositions = 7;
    constexpr std::int64_t kRowSize = kPositions * kChannels;
    const test::RandomList list(kPositions, kChannels, kChannels, 9, 1, false, false, generator);
    const test::RandomValue<Traits> input(kChannels, kRows, generator);
    const DeviceList device_list(list);
    const DeviceValue<Traits> device_input(input);
    for (const bool average : {false, true}) {
      std::vector<Element> output(kRowSize * kRows, Traits::from_float(6e4f));
      const DeviceBuffer device_output = to_device(output);
      check_cuda(
          kernels::position_pool_cuda(GetParam(),
                                      {device_list.work,
                                       kRows,
                                       kChannels,
                                       average,
                                       device_input.rows,
                                       {device_output.data(), kRowSize, nullptr, kernels::DotOutput::stored},
                                       false,
                                       {},
                                       {}},
                                      nullptr),
          "pool");
      from_device(device_output, output);
      std::vector<float> actual;
      for (const Element value : output) actual.push_back(Traits::to_float(value));
      auto expected = test::poisoned(actual.size());
      float* rows[kRows];
      for (int r = 0; r < kRows; ++r) rows[r] = expected.data() + r * kRowSize;
      (average ? kernels::position_average_pool : kernels::position_max_pool)(kChannels, list.host(), kRows,
                                                                              input.pointers(0, kRows), rows);
      test::expect_close(actual, expected, tolerance());
    }
  });
}

TEST_P(CudaKernels, SmallComposites) {
  std::mt19937 generator(55);
  with_elements([&](auto traits) {
    using Traits = decltype(traits);
    using Element = typename Traits::Element;
    constexpr int kPixels = 100;
    std::vector<std::uint8_t> photos(2 * kPixels * 3);
    for (auto& value : photos) value = static_cast<std::uint8_t>(random_int(0, 255, generator));
    std::vector<std::uint32_t> masks{0x12345678u, 0xffffffffu, 0u, 5u};
    const std::vector<kernels::CompositePair> pairs{{0, 1}, {-1, 0}};
    std::vector<float> table(3 * 256);
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) / 512.0f - 0.5f;
    std::vector<Element> output(2 * kPixels * kPixelChannels, Traits::from_float(6e4f));
    const DeviceBuffer device_photos = to_device(photos), device_masks = to_device(masks),
                       device_pairs = to_device(pairs), device_table = to_device(table),
                       device_output = to_device(output);
    kernels::CompositeArguments arguments;
    arguments.foregrounds = arguments.backgrounds = photos.data();
    arguments.masks = masks.data();
    arguments.pairs = pairs.data();
    arguments.composites = 2;
    arguments.photo_pixels = arguments.pixels = kPixels;
    arguments.mask_words = 4;
    std::vector<float> expected;
    for (int n = 0; n < 2; ++n)
      for (int p = 0; p < kPixels; ++p) {
        const std::uint8_t* source = kernels::composite_source(arguments, n, p);
        for (int c = 0; c < kPixelChannels; ++c)
          expected.push_back(c < 3 ? table[256 * c + source[c]] : 0.0f);
      }
    arguments.foregrounds = arguments.backgrounds = device_photos.as<std::uint8_t>();
    arguments.masks = device_masks.as<std::uint32_t>();
    arguments.pairs = device_pairs.as<kernels::CompositePair>();
    arguments.table = device_table.as<float>();
    arguments.output = device_output.data();
    check_cuda(kernels::composite_cuda(GetParam(), arguments, nullptr), "composite");
    from_device(device_output, output);
    std::vector<float> actual;
    for (const Element value : output) actual.push_back(Traits::to_float(value));
    test::expect_close(actual, expected, tolerance());
  });
}

TEST_P(CudaKernels, SmallDecisions) {
  std::mt19937 generator(56);
  constexpr int kComposites = 50, kManyClasses = 45, kStride = 48;
  std::vector<float> logits(kComposites * kStride);
  for (float& logit : logits) logit = static_cast<float>(random_int(-9, 9, generator));
  std::vector<std::int32_t> in9(kManyClasses), labels(kComposites);
  for (auto& label : in9) label = random_int(-1, 3, generator);
  for (auto& label : labels) label = random_int(0, 3, generator);
  std::vector<kernels::DeviceDecision> decisions(kComposites);
  const DeviceBuffer device_logits = to_device(logits), device_in9 = to_device(in9),
                     device_labels = to_device(labels), device_decisions = to_device(decisions);
  check_cuda(kernels::decide_cuda({device_logits.as<float>(), kStride, kManyClasses, kComposites,
                                   device_in9.as<std::int32_t>(), device_labels.as<std::int32_t>(),
                                   device_decisions.as<kernels::DeviceDecision>()},
                                  nullptr),
             "decisions");
  from_device(device_decisions, decisions);
  for (int n = 0; n < kComposites; ++n) {
    const auto expected = kernels::decide(logits.data() + n * kStride, kManyClasses, in9.data(), labels[n]);
    EXPECT_EQ(decisions[n].prediction, expected.prediction);
    EXPECT_EQ(decisions[n].margin, expected.margin);
  }
}

// All products of a sum are positive, so that what each step cuts off would add up.
class CudaLongSums : public testing::Test {
 protected:
  void SetUp() override { test::require_gpu(); }
};

TEST_F(CudaLongSums, HaveNoMoreThanFp32sError) {
  std::mt19937 generator(62);
  constexpr int kChannels = 4608, kColumns = 64, kRows = 5;
  std::vector<float> input(std::size_t{kRows} * kChannels), weights(std::size_t{kColumns} * kChannels);
  std::uniform_real_distribution<float> value(0.5f, 1.5f);
  for (auto* values : {&input, &weights})
    for (float& each : *values) each = value(generator);
  const std::vector<float> bias(kColumns);
  const DeviceBuffer device_input = to_device(input), device_bias = to_device(bias),
                     device_output = to_device(std::vector<float>(kRows * kColumns));
  const std::vector<std::int32_t> place{0}, first_tap{0, 1};
  const std::vector<kernels::Tap> tap{{0, 0, kernels::Source::background}};
  const DeviceBuffer device_place = to_device(place), device_first = to_device(first_tap),
                     device_tap = to_device(tap);
  kernels::ConvolutionArguments arguments =
      test::arguments_of({{0, 0, kChannels, kColumns, 1, 1, 0, 1, 1.0f}, 1, kRows, false, false});
  arguments.work = {device_place.as<std::int32_t>(),
                    device_first.as<std::int32_t>(),
                    device_tap.as<kernels::Tap>(),
                    nullptr,
                    nullptr,
                    1};
  arguments.input.base[static_cast<int>(kernels::Source::background)] = device_input.data();
  arguments.input.row_stride[static_cast<int>(kernels::Source::background)] = kChannels;
  arguments.bias = device_bias.as<float>();
  arguments.output = {device_output.data(), kColumns, nullptr, kernels::DotOutput::stored};
  test::for_all_products(Precision::fp32, arguments, weights, [&](const auto& convolution) {
    check_cuda(kernels::position_convolution_cuda(Precision::fp32, convolution, nullptr), "convolution");
    std::vector<float> output(kRows * kColumns);
    from_device(device_output, output);
    double largest = 0;
    for (int r = 0; r < kRows; ++r)
      for (int n = 0; n < kColumns; ++n) {
        double sum = 0;
        for (int c = 0; c < kChannels; ++c)
          sum += double{input[r * kChannels + c]} * weights[n * kChannels + c];
        largest = std::max(largest, std::abs(output[r * kColumns + n] / sum - 1));
      }
    // Rounded after each of 4,608 products it would be 3e-5 at worst; of random sign it is a hundredth.
    EXPECT_LT(largest, 4e-6);
  });
}

INSTANTIATE_TEST_SUITE_P(Precisions, CudaKernels,
                         testing::Values(Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16),
                         [](const auto& precision) { return std::string(name(precision.param)); });

}  // namespace
}  // namespace backdrop
