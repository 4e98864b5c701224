#include "engine/cuda_recheck.h"

#include <algorithm>

#include "engine/cuda_products.h"

namespace backdrop {
namespace {

constexpr int kExactBatch = 64;
constexpr int kSecondBatch = 256;

std::size_t bytes_of(const Network& network, const CudaLayers& layers, Precision precision, int rows) {
  const std::size_t activations = activation_bytes(layers.network(), precision, rows);
  return activations + std::min(activations, kMostCudnnBytes) +
         static_cast<std::size_t>(network.parameters()) * element_bytes(precision);
}

}  // namespace

std::optional<Precision> second_precision(Precision fast, const GpuWays& without) {
  if (element_bytes(fast) > 1 || without.has(GpuWay::second)) return std::nullopt;
  return Precision::fp16;
}

std::size_t activation_bytes(const Network& padded, Precision precision, int rows) {
  std::int64_t largest = 0;
  for (const Layer& layer : padded.layers)
    largest =
        std::max(largest, layer.in.size() + layer.out.size() + (layer.residual >= 0 ? layer.out.size() : 0));
  return static_cast<std::size_t>(largest * rows) * element_bytes(precision);
}

int clamp_rows(const Network& padded, int rows) {
  std::int64_t largest = 1;
  for (int v = 0; v <= static_cast<int>(padded.layers.size()); ++v)
    largest = std::max(largest, padded.shape(v).size());
  return static_cast<int>(std::clamp<std::int64_t>(INT32_MAX / largest, 1, rows));
}

CudaRecheck::CudaRecheck(const Network& network, const CudaLayers& layers, const std::int32_t* in9,
                         const CudaDevice& device, const GpuWays& without, PlanFolder& plans)
    : network_(network), layers_(layers), in9_(in9), device_(device), without_(without), plans_(plans) {}

CudaDense& CudaRecheck::exact() {
  if (exact_.dense) return *exact_.dense;
  const bool shared = layers_.precision() == Precision::fp32;
  if (!shared && !exact_.layers) {
    exact_.layers.emplace(network_, Precision::fp32);
    choose_products(*exact_.layers, device_, without_, plans_);
  }
  const CudaLayers& layers = shared ? layers_ : *exact_.layers;
  return exact_.dense.emplace(layers, in9_, clamp_rows(layers.network(), kExactBatch), without_, plans_);
}

CudaDense& CudaRecheck::second() {
  if (second_.dense) return *second_.dense;
  if (!second_.layers) {
    second_.layers.emplace(network_, Precision::fp16);
    choose_products(*second_.layers, device_, without_, plans_);
  }
  return second_.dense.emplace(*second_.layers, in9_, clamp_rows(second_.layers->network(), kSecondBatch),
                               without_, plans_);
}

std::size_t CudaRecheck::bytes_to_come() const {
  std::size_t bytes = 0;
  const Precision fast = layers_.precision();
  if (!exact_.dense && fast != Precision::fp32)
    bytes += bytes_of(network_, layers_, Precision::fp32, kExactBatch);
  if (!second_.dense && second_precision(fast, without_))
    bytes += bytes_of(network_, layers_, Precision::fp16, kSecondBatch);
  return bytes;
}

std::size_t CudaRecheck::workspace_bytes() const {
  return (exact_.dense ? exact_.dense->workspace_bytes() : 0) +
         (second_.dense ? second_.dense->workspace_bytes() : 0);
}

std::int64_t CudaRecheck::multiply_adds() const {
  return (exact_.dense ? exact_.dense->multiply_adds() : 0) +
         (second_.dense ? second_.dense->multiply_adds() : 0);
}

}  // namespace backdrop
