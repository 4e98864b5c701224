#include "engine/cuda_products.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <random>

#include "kernels/e4m3.h"
#include "kernels/position_convolution_cuda.h"

namespace backdrop {
namespace {

constexpr int kRows = 32;
constexpr int kTimedRuns = 3;

// Of the largest result, as what is stored is rounded: sums are made in another order.
float tolerance_of(Precision precision) {
  switch (precision) {
    case Precision::fp16:
      return 2e-3f;
    case Precision::bf16:
      return 1e-2f;
    case Precision::fp8:
      return 0.13f;  // a step of e4m3
    case Precision::int8:
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
      break;
  }
  return 0.0f;
}

template <class Element>
void put(Element element, std::byte* to) {
  std::memcpy(to, &element, sizeof(element));
}

template <class Element>
Element get(const std::byte* from) {
  Element element;
  std::memcpy(&element, from, sizeof(element));
  return element;
}

std::vector<std::byte> random_elements(Precision precision, std::size_t count) {
  std::minstd_rand generator(1);
  std::uniform_real_distribution<float> between(0.0f, 1.0f);
  const std::size_t bytes = element_bytes(precision);
  std::vector<std::byte> elements(count * bytes);
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* to = elements.data() + i * bytes;
    const float value = between(generator);
    if (precision == Precision::fp16)
      put(__float2half_rn(value), to);
    else if (precision == Precision::bf16)
      put(__float2bfloat16_rn(value), to);
    else if (precision == Precision::fp8)
      put(kernels::e4m3::encode(value), to);
    else
      put(static_cast<std::uint8_t>(255.0f * value), to);
  }
  return elements;
}

float as_float(Precision precision, const std::byte* element) {
  if (precision == Precision::fp16) return __half2float(get<__half>(element));
  if (precision == Precision::bf16) return __bfloat162float(get<__nv_bfloat16>(element));
  const auto byte = get<std::uint8_t>(element);
  return precision == Precision::fp8 ? kernels::e4m3::decode(byte) : static_cast<float>(byte);
}

bool agree(Precision precision, const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  float largest = 0;
  float difference = 0;
  for (std::size_t i = 0; i < a.size(); i += element_bytes(precision)) {
    const float left = as_float(precision, a.data() + i);
    const float right = as_float(precision, b.data() + i);
    if (!std::isfinite(left) || !std::isfinite(right)) return false;
    largest = std::max(largest, std::abs(left));
    difference = std::max(difference, std::abs(left - right));
  }
  return largest > 0 && difference <= tolerance_of(precision) * largest;
}

// The convolution with the most multiply-adds of those that read and write plain values; -1 if there is none.
int heaviest_convolution(const CudaLayers& layers) {
  int heaviest = -1;
  for (int i = 0; i + 1 < layers.position_layers(); ++i) {
    const Layer& layer = layers.network().layers[i];
    if (layer.kind != LayerKind::convolution || layer.input == 0 || layer.residual >= 0) continue;
    if (heaviest < 0 || layers.multiply_adds(i) > layers.multiply_adds(heaviest)) heaviest = i;
  }
  return heaviest;
}

struct Trial {
  std::vector<std::byte> results;
  float milliseconds = 0;
};

// Milliseconds only if `timed`.
Trial run_layer(CudaLayers& layers, int index, const DeviceBuffer& input, bool warpgroups, bool timed) {
  const Layer& layer = layers.network().layers[index];
  layers.use_warpgroups(warpgroups);
  const CudaStream stream;
  const DeviceBuffer output(layer.out.size() * kRows * layers.value_bytes(), "choosing products");
  check_cuda(cudaMemsetAsync(output.data(), 0xff, output.size(), stream), "choosing products");
  const auto run = [&] {
    layers.run(index, layers.whole(index), kRows, image_rows(input.data(), layer.in.size()), {}, nullptr,
               {output.data(), layer.out.size(), nullptr, kernels::DotOutput::stored}, stream);
  };
  Trial trial;
  run();
  if (timed) {
    CudaEvent start(cudaEventDefault);
    CudaEvent end(cudaEventDefault);
    start.record(stream);
    for (int i = 0; i < kTimedRuns; ++i) run();
    end.record(stream);
    end.synchronize();
    check_cuda(cudaEventElapsedTime(&trial.milliseconds, start, end), "choosing products");
  }
  stream.synchronize();
  trial.results.resize(output.size());
  check_cuda(cudaMemcpy(trial.results.data(), output.data(), output.size(), cudaMemcpyDeviceToHost),
             "choosing products");
  return trial;
}

}  // namespace

void choose_products(CudaLayers& layers, PlanFolder& plans) {
  layers.use_warpgroups(false);
  const Precision precision = layers.precision();
  const int index = heaviest_convolution(layers);
  if (index < 0 || !kernels::has_warpgroup_products(precision)) return;
  const std::string subject = std::string("products ") + name(precision);
  const std::optional<MeasuredPlan> known = plans.find(subject, layers.network());
  if (known && !known->warpgroups) return;
  const std::vector<std::byte> values =
      random_elements(precision, layers.network().layers[index].in.size() * kRows);
  DeviceBuffer input(values.size(), "choosing products");
  copy_to_device(input.data(), values.data(), values.size(), "choosing products");
  // That they agree is never taken from a file.
  const Trial by_warps = run_layer(layers, index, input, false, !known);
  const Trial by_warpgroups = run_layer(layers, index, input, true, !known);
  const bool right = agree(precision, by_warps.results, by_warpgroups.results);
  layers.use_warpgroups(right && (known || by_warpgroups.milliseconds < by_warps.milliseconds));
  if (!known) plans.keep(subject, layers.network(), {layers.uses_warpgroups(), {}, {}});
}

}  // namespace backdrop
