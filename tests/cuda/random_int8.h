/// \file
/// Random 8-bit convolutions, as the device reads them and as the CPU computes them.
#pragma once

#include "kernels/dot_convolution.h"
#include "tests/cuda/random_device_work.h"

namespace backdrop::test {

/// Bytes, for RandomValue: floats from -1 to 1 become all of them.
struct HostBytes {
  using Element = std::uint8_t;
  static float to_float(Element value) { return static_cast<float>(value); }
  static Element from_float(float value) { return kernels::to_uint8(value, {2.0f / 255.0f, 127.0f}); }
};

/// One convolution over a random list.
struct Int8Case : DeviceCase {
  bool with_zeros = false;
  kernels::DotOutput kind = kernels::DotOutput::stored;
};

inline Int8Case random_int8_case(bool pixels, std::mt19937& generator) {
  Int8Case random{pixels ? random_pixel_case(0.0f, 40, generator)
                         : random_device_case(16, 9, 0.0f, 60, generator)};
  random.with_zeros = random_int(0, 1, generator) == 1;
  random.kind = static_cast<kernels::DotOutput>(random_int(0, 2, generator));
  return random;
}

inline kernels::DotScales random_scales(const Int8Case& c, std::mt19937& generator) {
  kernels::DotScales scales;
  for (int k = 0; k < c.shape.channels; ++k)
    scales.input.push_back({0.01f, c.with_zeros ? 100.3f + static_cast<float>(k % 3) : 0.0f});
  scales.residual = {0.02f, static_cast<float>(random_int(0, 200, generator))};
  scales.output = {0.05f, static_cast<float>(random_int(0, 200, generator))};
  return scales;
}

/// What the device reads of the weights.
struct DeviceWeights {
  kernels::Int8Weights stored;
  std::vector<std::int32_t> of_window;

  DeviceWeights(const kernels::ConvolutionShape& shape, const std::vector<float>& weights,
                const kernels::DotScales& scales)
      : stored(kernels::store_int8(shape, weights.data(), scales.input)), of_window(shape.out_channels) {
    for (std::size_t i = 0; i < stored.corrections.size(); ++i)
      of_window[i % of_window.size()] += stored.corrections[i];
  }
  kernels::ConvolutionScales scales(const kernels::DotScales& from, bool with_zeros) const {
    return {stored.scale.data(),
            with_zeros ? stored.corrections.data() : nullptr,
            of_window.data(),
            static_cast<int>(of_window.size()),
            kernels::device_scale(from.residual),
            kernels::device_scale(from.output)};
  }
};

/// Everything that one such convolution reads, and what it must write.
struct RandomInt8 {
  const Int8Case& c;
  RandomList list;
  RandomValue<HostBytes> input, residual;
  std::vector<float> weights, bias;
  kernels::DotScales scales;
  int start_stride;
  std::int64_t row_size;
  std::vector<std::int32_t> starts;

  RandomInt8(const Int8Case& of, std::mt19937& generator)
      : c(of),
        list(c.positions, c.shape.channels, c.shape.out_channels, c.window(), c.with_start ? 0 : 1,
             c.with_start, c.with_residual, generator),
        input(c.shape.channels, c.rows, generator),
        residual(c.shape.out_channels, c.rows, generator),
        weights(
            random_values(std::size_t(c.shape.out_channels) * c.group_channels() * c.window(), generator)),
        bias(random_values(c.shape.out_channels, generator)),
        scales(random_scales(c, generator)),
        start_stride((c.shape.out_channels + 15) / 16 * 16),
        row_size(std::int64_t{c.positions} * c.shape.out_channels),
        starts(std::size_t(4) * start_stride) {
    for (std::int32_t& start : starts) start = random_int(-9999, 9999, generator);
  }

  /// All but the output, in the host's memory.
  kernels::ConvolutionArguments arguments(const DeviceWeights& device) const {
    kernels::ConvolutionArguments arguments = arguments_of(c);
    arguments.work = list.device();
    arguments.input = input.rows();
    arguments.residual = residual.rows();
    arguments.weights = device.stored.values.data();
    arguments.bias = bias.data();
    arguments.starts = starts.data();
    arguments.start_stride = start_stride;
    arguments.scales = device.scales(scales, c.with_zeros);
    return arguments;
  }

  /// By the CPU's plain loops; `Element` as the case's kind says.
  template <class Element>
  std::vector<Element> expected() const {
    std::vector<Element> output(row_size * c.rows, Element{77});
    for (int first = 0; first < c.rows; first += kernels::kMaxRows) {
      const int count = std::min(kernels::kMaxRows, c.rows - first);
      const kernels::RowPointers inputs = input.stored_pointers(first, count);
      const kernels::RowPointers residuals = residual.stored_pointers(first, count);
      void* rows[kernels::kMaxRows];
      for (int r = 0; r < count; ++r) rows[r] = output.data() + (first + r) * row_size;
      kernels::dot_convolution_reference(Precision::int8, c.shape, weights.data(), bias.data(), scales,
                                         list.host(), count, inputs, &residuals, starts.data(), start_stride,
                                         c.kind, rows);
    }
    return output;
  }
};

}  // namespace backdrop::test
