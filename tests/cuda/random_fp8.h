/// \file
/// Random convolutions in e4m3, as the device reads them and as the CPU computes them. Tensor cores of 8.9
/// and 9.0 keep 13 bits of mantissa of a sum of e4m3's products (SageAttention2, arXiv:2411.10958), so inputs
/// are quarters and weights are halves: sums of up to 1023 products need no more, and are the same
/// everywhere.
#pragma once

#include <cmath>
#include <cstring>

#include "kernels/fp8_weights.h"
#include "tests/cuda/host_fp8.h"
#include "tests/cuda/random_device_work.h"

namespace backdrop::test {

/// One convolution over a random list.
struct Fp8Case : DeviceCase {
  kernels::DotOutput kind = kernels::DotOutput::stored;
};

inline Fp8Case random_fp8_case(std::mt19937& generator) {
  Fp8Case random{random_device_case(16, 5, 0.0f, 60, generator)};
  random.kind = static_cast<kernels::DotOutput>(random_int(0, 2, generator));
  return random;
}

/// Halves of each output channel's own largest, [out_channels][row_size].
inline std::vector<float> random_fp8_weights(int out_channels, int row_size, std::mt19937& generator) {
  std::vector<float> weights;
  for (const float largest : random_values(out_channels, generator))
    for (const float value : random_values(row_size, generator))
      weights.push_back(std::round(2.0f * value) / 2.0f * largest);
  return weights;
}

/// Everything that one such convolution reads, and what it must write.
struct RandomFp8 {
  const Fp8Case& c;
  RandomList list;
  RandomValue<HostFp8Quarters> input;
  RandomValue<HostFp8> residual;
  std::vector<float> weights, bias;
  kernels::Fp8Weights stored;
  int start_stride;
  std::int64_t row_size;
  std::vector<float> starts;      // with the bias, for the plain loops
  std::vector<float> raw_starts;  // sums of products

  RandomFp8(const Fp8Case& of, std::mt19937& generator)
      : c(of),
        list(c.positions, c.shape.channels, c.shape.out_channels, c.window(), c.with_start ? 0 : 1,
             c.with_start, c.with_residual, generator),
        input(c.shape.channels, c.rows, generator),
        residual(c.shape.out_channels, c.rows, generator),
        weights(random_fp8_weights(c.shape.out_channels, c.group_channels() * c.window(), generator)),
        bias(random_values(c.shape.out_channels, generator)),
        stored(kernels::store_fp8(c.shape, weights.data(), kFp8InputScale)),
        start_stride((c.shape.out_channels + 15) / 16 * 16),
        row_size(std::int64_t{c.positions} * c.shape.out_channels),
        starts(random_values(std::size_t(4) * start_stride, generator)),
        raw_starts(starts.size()) {
    for (std::size_t i = 0; i < starts.size(); ++i)
      if (const std::size_t k = i % start_stride; k < bias.size())
        raw_starts[i] = (starts[i] - bias[k]) / stored.scale[k];
  }

  /// All but the output, in the host's memory.
  kernels::ConvolutionArguments arguments() const {
    kernels::ConvolutionArguments arguments = arguments_of(c);
    arguments.work = list.device();
    arguments.input = input.rows();
    arguments.residual = residual.rows();
    arguments.weights = stored.values.data();
    arguments.bias = bias.data();
    arguments.starts = raw_starts.data();
    arguments.start_stride = start_stride;
    arguments.scales.scale = stored.scale.data();
    arguments.scales.residual = kernels::device_scale({kFp8InputScale, 0.0f});
    arguments.scales.output = kernels::device_scale({kFp8OutputScale, 0.0f});
    return arguments;
  }

  /// An output's bytes before anything is written: no number as e4m3, and too large a one as floats.
  std::vector<std::uint8_t> poison() const {
    const std::size_t element = c.kind == kernels::DotOutput::stored ? 1 : sizeof(float);
    return std::vector<std::uint8_t>(row_size * c.rows * element, 0x7f);
  }

  /// Compares an output's bytes with the CPU's plain loops.
  void expect_output(const std::vector<std::uint8_t>& output) const {
    const bool is_stored = c.kind == kernels::DotOutput::stored;
    const std::vector<float> actual = values_of(output), wanted = expected();
    // Stored values are within half of a step, which is a sixteenth, or of the smallest one.
    for (std::size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], wanted[i],
                  is_stored ? std::abs(wanted[i]) / 15.0f + kFp8OutputScale * 0x1p-9f + 1e-3f : 1e-3f)
          << i;
  }

 private:
  // Sums times their scale and with the bias: what a layer gives that has no residual and no activation.
  std::vector<float> values_of(const std::vector<std::uint8_t>& output) const {
    std::vector<float> values(row_size * c.rows);
    if (c.kind == kernels::DotOutput::stored)
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = kFp8OutputScale * kernels::e4m3::decode(output[i]);
    else
      std::memcpy(values.data(), output.data(), output.size());
    if (c.kind == kernels::DotOutput::sums)
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t k = i % bias.size();
        values[i] = values[i] * stored.scale[k] + bias[k];
      }
    return values;
  }

  std::vector<float> expected() const {
    const bool is_sums = c.kind == kernels::DotOutput::sums;
    kernels::PositionWork work = list.host();
    if (is_sums) work.residual = {};
    return plain_convolution(c.shape, weights, bias, work, c.rows, input, residual, starts, start_stride,
                             is_sums ? 1.0f : c.shape.slope);
  }
};

}  // namespace backdrop::test
