/// \file
/// A random 8-bit convolution on the device.
#pragma once

#include "tests/conformance/device_values.h"
#include "tests/cuda/random_int8.h"

namespace backdrop::test {

struct DeviceInt8 {
  DeviceWeights weights;
  DeviceList list;
  DeviceValue<HostBytes> input, residual;
  DeviceBuffer scale, corrections, of_window, bias, starts;

  explicit DeviceInt8(const RandomInt8& random)
      : weights(random.c.shape, random.weights, random.scales),
        list(random.list),
        input(random.input),
        residual(random.residual),
        scale(to_device(weights.stored.scale)),
        corrections(to_device(weights.stored.corrections)),
        of_window(to_device(weights.of_window)),
        bias(to_device(random.bias)),
        starts(to_device(random.starts)) {}

  /// All but the weights and the output.
  kernels::ConvolutionArguments arguments(const RandomInt8& random) const {
    kernels::ConvolutionArguments arguments = random.arguments(weights);
    arguments.work = list.work;
    arguments.input = input.rows;
    arguments.residual = residual.rows;
    arguments.bias = bias.as<float>();
    arguments.starts = starts.data();
    arguments.scales.scale = scale.as<float>();
    arguments.scales.of_window = of_window.as<std::int32_t>();
    if (random.c.with_zeros) arguments.scales.corrections = corrections.as<std::int32_t>();
    return arguments;
  }
};

}  // namespace backdrop::test
