/// \file
/// Random lists and values on the device, and arrays to and from it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "backdrop/error.h"
#include "engine/cuda_device.h"
#include "engine/cuda_memory.h"
#include "engine/cuda_products.h"
#include "kernels/cluster_weights.h"
#include "kernels/position_convolution_cuda.h"
#include "tests/conformance/gpu_without.h"
#include "tests/cuda/random_device_work.h"
#include "tests/slow_tests.h"

namespace backdrop::test {

/// For SetUp: skips the test, with the reason, where no GPU can be used.
inline void require_gpu() {
  try {
    open_cuda_device(0);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
}

/// How many random cases to try: fewer where kernels are interpreted, which takes long (tests/ptx).
inline int trials(int on_a_gpu) {
  const bool is_gpu = open_cuda_device(0).name.find("PTX") == std::string::npos;
  return is_gpu || slow_tests_run() ? on_a_gpu : (on_a_gpu + 5) / 6;
}

template <class T>
DeviceBuffer to_device(const std::vector<T>& values) {
  DeviceBuffer buffer(std::max<std::size_t>(1, values.size()) * sizeof(T));
  copy_to_device(buffer.data(), values.data(), values.size() * sizeof(T), "copy");
  return buffer;
}

template <class T>
void from_device(const DeviceBuffer& buffer, std::vector<T>& values) {
  check_cuda(cudaDeviceSynchronize(), "computing");
  check_cuda(cudaMemcpy(values.data(), buffer.data(), values.size() * sizeof(T), cudaMemcpyDeviceToHost),
             "copy");
}

/// Calls `body(arguments)` for each way in which the device can multiply, but for those of gpu_without;
/// `weights` are those of the arguments.
template <class Element, class Body>
void for_all_products(Precision precision, kernels::ConvolutionArguments arguments,
                      const std::vector<Element>& weights, const Body& body) {
  const DeviceBuffer plain = to_device(weights);
  arguments.weights = plain.data();
  const GpuWays without = gpu_without();
  const auto has = [&](kernels::Products products) {
    return kernels::has_products(precision, products) && allowed(products, without);
  };
  for (const kernels::Products products : {kernels::Products::warps, kernels::Products::warpgroups,
                                           kernels::Products::split, kernels::Products::split_warpgroups}) {
    if (!has(products)) continue;
    SCOPED_TRACE(name(products));
    arguments.products = products;
    body(arguments);
  }
  const std::size_t tap_bytes = arguments.group_channels * sizeof(Element);
  if (!has(kernels::Products::clusters) || !kernels::fits_clusters(tap_bytes)) return;
  SCOPED_TRACE("wgmma by clusters");
  const DeviceBuffer packed =
      to_device(kernels::pack_for_clusters(std::as_bytes(std::span(weights)), arguments.groups,
                                           arguments.group_columns, arguments.window, tap_bytes));
  arguments.products = kernels::Products::clusters;
  arguments.weights = packed.data();
  body(arguments);
}

/// A list on the device.
struct DeviceList {
  DeviceBuffer output, first_tap, taps, start, residual;
  kernels::DeviceWork work;

  explicit DeviceList(const RandomList& list)
      : output(to_device(list.output)),
        first_tap(to_device(list.first_tap)),
        taps(to_device(list.taps)),
        start(to_device(list.start)),
        residual(to_device(list.residual)),
        work{output.as<std::int32_t>(),
             first_tap.as<std::int32_t>(),
             taps.as<kernels::Tap>(),
             list.start.empty() ? nullptr : start.as<std::int32_t>(),
             list.residual.empty() ? nullptr : residual.as<kernels::Tap>(),
             static_cast<int>(list.output.size())} {}
};

/// A value on the device.
template <class Traits>
struct DeviceValue {
  DeviceBuffer stores[kernels::kSources];
  DeviceBuffer slots;
  kernels::DeviceRows rows;

  explicit DeviceValue(const RandomValue<Traits>& value) : slots(to_device(value.slots)) {
    rows = value.rows();
    for (int source = 0; source < kernels::kSources; ++source) {
      stores[source] = to_device(value.stored[source]);
      rows.base[source] = stores[source].data();
    }
    rows.slots = slots.as<std::int32_t>();
  }
};

}  // namespace backdrop::test
