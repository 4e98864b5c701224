// Winograd's convolution of every instruction set that runs here against the plain loops.
#include "kernels/winograd.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/aligned.h"
#include "kernels/dense.h"
#include "kernels/reduced_winograd.h"
#include "tests/kernels/random_values.h"

namespace backdrop::kernels {
namespace {

using test::poisoned;
using test::random_int;
using test::random_values;

struct Lists {
  std::vector<Tap> inputs, residual;
  std::vector<std::int32_t> outputs;
};

// Every tile of a layer whose values lie as [position][row][channel]; `wanted` says which outputs to compute.
Lists whole_layer(const ConvolutionShape& shape, int rows, const std::vector<bool>& wanted) {
  Lists lists;
  for (int y0 = 0; y0 < shape.height; y0 += kTile) {
    for (int x0 = 0; x0 < shape.width; x0 += kTile) {
      for (int i = 0; i < kTilePoints; ++i) {
        const int y = y0 + i / kTileInputs - 1;
        const int x = x0 + i % kTileInputs - 1;
        const bool inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
        const int offset = (y * shape.width + x) * rows * shape.channels;
        lists.inputs.push_back(inside ? Tap{offset, 0, Source::mixed} : Tap{0, kOutside, Source::mixed});
      }
      for (int i = 0; i < kTile * kTile; ++i) {
        const int y = y0 + i / kTile;
        const int x = x0 + i % kTile;
        const int position = y * shape.width + x;
        const bool inside = y < shape.height && x < shape.width && wanted[position];
        const int offset = inside ? position * rows * shape.out_channels : -1;
        lists.outputs.push_back(offset);
        lists.residual.push_back({offset, 0, Source::mixed});
      }
    }
  }
  return lists;
}

// [N][P][C] to [P][N][C].
std::vector<float> by_position(const std::vector<float>& images, int rows, int positions, int channels) {
  std::vector<float> result(images.size());
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < positions; ++p)
      std::copy_n(&images[(std::size_t(r) * positions + p) * channels], channels,
                  &result[(std::size_t(p) * rows + r) * channels]);
  return result;
}

RowPointers row_pointers(const std::vector<float>& values, int rows, int channels) {
  RowPointers pointers;
  for (int r = 0; r < rows; ++r)
    pointers.rows[static_cast<int>(Source::mixed)][r] = values.data() + r * channels;
  return pointers;
}

class Winograd : public testing::TestWithParam<InstructionSet> {};

TEST_P(Winograd, EqualsThePlainLoops) {
  std::mt19937 generator(31);
  for (int trial = 0; trial < 40; ++trial) {
    const ConvolutionShape shape{random_int(1, 15, generator),
                                 random_int(1, 15, generator),
                                 random_int(1, 40, generator),
                                 random_int(1, 90, generator),
                                 3,
                                 1,
                                 1,
                                 1,
                                 trial % 3 == 0 ? 0.01f : 0.0f};
    ASSERT_TRUE(WinogradConvolution::applies(shape));
    const int rows = random_int(1, 6, generator);
    const int positions = shape.height * shape.width;
    SCOPED_TRACE(testing::Message() << shape.height << "x" << shape.width << "x" << shape.channels << " to "
                                    << shape.out_channels << ", " << rows << " rows");
    const auto images = random_values(std::size_t(rows) * positions * shape.channels, generator);
    const auto weights = random_values(std::size_t(shape.out_channels) * shape.channels * 9, generator);
    const auto bias = random_values(shape.out_channels, generator);
    const auto added = random_values(std::size_t(rows) * positions * shape.out_channels, generator);
    std::vector<float> expected(added.size());
    convolution_reference(shape, rows, images.data(), weights.data(), bias.data(), added.data(),
                          expected.data());
    expected = by_position(expected, rows, positions, shape.out_channels);

    std::vector<bool> wanted;
    for (int p = 0; p < positions; ++p) wanted.push_back(random_int(0, 4, generator) > 0);
    const Lists lists = whole_layer(shape, rows, wanted);
    const auto input = by_position(images, rows, positions, shape.channels);
    const auto residual = by_position(added, rows, positions, shape.out_channels);
    const RowPointers input_rows = row_pointers(input, rows, shape.channels);
    const RowPointers residual_rows = row_pointers(residual, rows, shape.out_channels);
    auto actual = poisoned(expected.size());
    float* output[kMaxRows];
    for (int r = 0; r < rows; ++r) output[r] = actual.data() + r * shape.out_channels;

    const WinogradConvolution convolution(shape, weights.data(), bias.data(), GetParam());
    const AlignedBuffer scratch(convolution.scratch_floats() * sizeof(float));
    const auto multiply_adds =
        convolution.run({lists.inputs, lists.outputs, lists.residual}, rows, input_rows, &residual_rows,
                        shape.slope, output, scratch.floats());
    EXPECT_EQ(multiply_adds, std::int64_t(lists.inputs.size()) * rows * shape.channels * shape.out_channels);
    float largest = 0;
    for (const float value : expected) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < actual.size(); ++i) {
      if (wanted[i / (std::size_t(rows) * shape.out_channels)])
        ASSERT_LE(std::abs(actual[i] - expected[i]), 3e-5f * largest) << "at " << i;
      else
        ASSERT_TRUE(std::isnan(actual[i])) << "written though not wanted, at " << i;
    }
  }
}

// Values in a stored form, and what they mean.
struct StoredValues {
  std::vector<std::byte> bytes;
  std::vector<float> real;

  StoredValues(Precision stored, const std::vector<float>& values, const ValueScale& scale) {
    for (const float value : values) {
      const std::uint8_t whole = to_uint8(value, scale);
      const Bf16 half = to_bf16(value);
      const std::int16_t sixteen = to_int16(value, scale);
      const void* from = &half;
      if (stored == Precision::int8) from = &whole;
      if (stored == Precision::int16) from = &sixteen;
      const auto* first = static_cast<const std::byte*>(from);
      bytes.insert(bytes.end(), first, first + element_bytes(stored));
      real.push_back(stored == Precision::int8    ? to_float(whole, scale)
                     : stored == Precision::int16 ? to_float(sixteen, scale)
                                                  : to_float(half));
    }
  }
  RowPointers rows(Precision stored, int count, int channels) const {
    RowPointers pointers;
    for (int r = 0; r < count; ++r)
      pointers.rows[static_cast<int>(Source::mixed)][r] = bytes.data() + r * channels * element_bytes(stored);
    return pointers;
  }
};

// By position back to by image.
std::vector<float> by_image(const std::vector<float>& values, int rows, int positions, int channels) {
  std::vector<float> result(values.size());
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < positions; ++p)
      std::copy_n(&values[(std::size_t(p) * rows + r) * channels], channels,
                  &result[(std::size_t(r) * positions + p) * channels]);
  return result;
}

void compare_reduced(Precision read, Precision written, bool portable, std::mt19937& generator) {
  const ConvolutionShape shape{random_int(1, 15, generator),
                               random_int(1, 15, generator),
                               2 * random_int(1, 40, generator),
                               random_int(1, 90, generator),
                               3,
                               1,
                               1,
                               1,
                               random_int(0, 1, generator) == 0 ? 0.01f : 0.0f};
  const int rows = random_int(1, kMaxRows, generator);
  const int positions = shape.height * shape.width;
  SCOPED_TRACE(testing::Message() << name(read) << " to " << name(written)
                                  << (portable ? " portable, " : ", ") << shape.height << "x" << shape.width
                                  << "x" << shape.channels << " to " << shape.out_channels << ", " << rows
                                  << " rows");
  DotScales scales{
      std::vector<ValueScale>(shape.channels, {0.03f, 90.0f}), {0.05f, 100.0f}, {1, 100}, written};
  auto inputs = random_values(std::size_t(rows) * positions * shape.channels, generator);
  if (read == Precision::int16) {  // ranges of 6, 6 and 80
    scales = {
        std::vector<ValueScale>(shape.channels, {0.00035f, 0.0f}), {0.00035f, 0.0f}, {0.005f, 0.0f}, written};
    // The ends of the range, from which the points' are made.
    scales.nonnegative = random_int(0, 1, generator) == 1;
    const float least = scales.nonnegative ? 0.0f : -10.0f;
    if (random_int(0, 1, generator) == 1)
      for (float& value : inputs) value = value > 0.0f ? 10.0f : least;
    else if (scales.nonnegative)
      for (float& value : inputs) value = std::abs(value);
  }
  const StoredValues input(read, inputs, scales.input[0]);
  const StoredValues residual(
      written, random_values(std::size_t(rows) * positions * shape.out_channels, generator), scales.residual);
  const auto weights = random_values(std::size_t(shape.out_channels) * shape.channels * 9, generator);
  const auto bias = random_values(shape.out_channels, generator);
  std::vector<float> expected(residual.real.size());
  convolution_reference(shape, rows, by_image(input.real, rows, positions, shape.channels).data(),
                        weights.data(), bias.data(),
                        by_image(residual.real, rows, positions, shape.out_channels).data(), expected.data());
  expected = by_position(expected, rows, positions, shape.out_channels);

  std::vector<bool> wanted;
  for (int p = 0; p < positions; ++p) wanted.push_back(random_int(0, 4, generator) > 0);
  const Lists lists = whole_layer(shape, rows, wanted);
  const RowPointers input_rows = input.rows(read, rows, shape.channels);
  const RowPointers residual_rows = residual.rows(written, rows, shape.out_channels);
  constexpr std::byte kPoison{0xa5};
  std::vector<std::byte> actual(expected.size() * element_bytes(written), kPoison);
  void* output[kMaxRows];
  for (int r = 0; r < rows; ++r) output[r] = actual.data() + r * shape.out_channels * element_bytes(written);
  const ReducedWinograd convolution(read, shape, weights.data(), bias.data(), scales, portable);
  const AlignedBuffer scratch(convolution.scratch_bytes());
  const auto multiply_adds = convolution.run({lists.inputs, lists.outputs, lists.residual}, rows, input_rows,
                                             &residual_rows, output, scratch.data());
  EXPECT_EQ(multiply_adds, std::int64_t(lists.inputs.size()) * rows * shape.channels * shape.out_channels);
  float largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!wanted[i / (std::size_t(rows) * shape.out_channels)]) {
      for (std::size_t b = 0; b < element_bytes(written); ++b)
        ASSERT_EQ(actual[i * element_bytes(written) + b], kPoison) << "written though not wanted, at " << i;
    } else if (written == Precision::int8) {
      ASSERT_NEAR(static_cast<int>(actual[i]), to_uint8(expected[i], scales.output), 1 + 0.1f * largest)
          << "at " << i;
    } else if (written == Precision::int16) {
      std::int16_t sixteen;
      std::memcpy(&sixteen, &actual[i * sizeof sixteen], sizeof sixteen);
      ASSERT_NEAR(to_float(sixteen, scales.output),
                  to_float(to_int16(expected[i], scales.output), scales.output),
                  0.03f * largest + scales.output.scale)
          << "at " << i;
    } else {
      Bf16 half;
      std::memcpy(&half, &actual[i * sizeof half], sizeof half);
      ASSERT_NEAR(to_float(half), expected[i], 0.15f * largest) << "at " << i;
    }
  }
}

TEST(ReducedWinograd, IsCloseToThePlainLoops) {
  std::mt19937 generator(32);
  for (int trial = 0; trial < 20; ++trial)
    for (const Precision read : {Precision::int8, Precision::bf16})
      for (const Precision written : {Precision::int8, Precision::bf16})
        for (const bool portable : {true, false}) compare_reduced(read, written, portable, generator);
  for (int trial = 0; trial < 20; ++trial)
    for (const bool portable : {true, false})
      compare_reduced(Precision::int16, Precision::int16, portable, generator);
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, Winograd, testing::ValuesIn(usable_instruction_sets()),
                         [](const auto& parameter) {
                           return parameter.param == InstructionSet::avx512 ? "avx512"
                                  : parameter.param == InstructionSet::avx2 ? "avx2"
                                                                            : "portable";
                         });

}  // namespace
}  // namespace backdrop::kernels
