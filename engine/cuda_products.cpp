#include "engine/cuda_products.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "engine/cuda_random.h"
#include "engine/cuda_range.h"
#include "kernels/e4m3.h"
#include "kernels/position_convolution_cuda.h"

namespace backdrop {
namespace {

using kernels::Products;

constexpr int kTimedRows = 128;  // a tile of the position convolution is one position
constexpr int kWaves = 2;        // of large tiles, one a multiprocessor
constexpr int kRunsTimed = 3;
constexpr char kChoosing[] = "choosing products";

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
Element get(const std::byte* from) {
  Element element;
  std::memcpy(&element, from, sizeof(element));
  return element;
}

DeviceBuffer random_buffer(Precision precision, std::size_t count) {
  DeviceBuffer buffer(count * element_bytes(precision), kChoosing);
  fill_with_random_elements(precision, buffer.data(), buffer.size());
  return buffer;
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

// Whether it reads and writes plain values.
bool can_try(const CudaLayers& layers, int index) {
  const Layer& layer = layers.network().layers[index];
  return layer.kind == LayerKind::convolution && layer.input != 0 && index + 1 < layers.position_layers();
}

// The convolution with the most multiply-adds; -1 if there is none.
int heaviest_convolution(const CudaLayers& layers) {
  int heaviest = -1;
  for (int i = 0; i < layers.position_layers(); ++i)
    if (can_try(layers, i) && (heaviest < 0 || layers.multiply_adds(i) > layers.multiply_adds(heaviest)))
      heaviest = i;
  return heaviest;
}

struct Trial {
  std::vector<std::byte> results;
  float milliseconds = 0;
};

// One layer on random values, by any products.
class LayerTrials {
 public:
  LayerTrials(CudaLayers& layers, int index, const CudaDevice& device)
      : layers_(layers), index_(index), layer_(layers.network().layers[index]), work_(layers.whole(index)) {
    // The smaller the tile, the more of them: this counts one of 128 rows by 256 columns as one.
    const int tiles = std::max(1, layer_.out.channels / 256);
    work_.positions = std::clamp(kWaves * device.multiprocessors / tiles, 1, work_.positions);
    // These are the first ones of each image, and read its beginning.
    const int lines = (work_.positions - 1) / layer_.out.width * layer_.stride + layer_.kernel;
    read_ = std::int64_t{std::min(lines, layer_.in.height)} * layer_.in.width * layer_.in.channels;
    written_ = std::int64_t{work_.positions} * layer_.out.channels;
    input_ = random_buffer(layers.precision(), read_ * kTimedRows);
    if (layer_.residual >= 0) residual_ = random_buffer(layers.precision(), written_ * kTimedRows);
    output_.reserve(written_ * kTimedRows * layers.value_bytes(), kChoosing);
  }

  // Milliseconds only if `timed`. The layer multiplies so from now on.
  Trial run(Products products, bool timed) {
    layers_.use(index_, products);
    check_cuda(cudaMemsetAsync(output_.data(), 0xff, output_.size(), stream_), kChoosing);
    Trial trial;
    enqueue();
    if (timed) {
      CudaEvent start(cudaEventDefault);
      CudaEvent end(cudaEventDefault);
      start.record(stream_);
      for (int i = 0; i < kRunsTimed; ++i) enqueue();
      end.record(stream_);
      end.synchronize();
      check_cuda(cudaEventElapsedTime(&trial.milliseconds, start, end), kChoosing);
    }
    stream_.synchronize();
    trial.results.resize(output_.size());
    check_cuda(cudaMemcpy(trial.results.data(), output_.data(), trial.results.size(), cudaMemcpyDeviceToHost),
               kChoosing);
    return trial;
  }

 private:
  void enqueue() {
    layers_.run(index_, work_, kTimedRows, image_rows(input_.data(), read_),
                layer_.residual >= 0 ? image_rows(residual_.data(), written_) : kernels::DeviceRows(),
                nullptr, {output_.data(), written_, nullptr, kernels::DotOutput::stored}, stream_);
  }

  CudaLayers& layers_;
  int index_;
  const Layer& layer_;
  kernels::DeviceWork work_;
  std::int64_t read_ = 0;  // elements of each image
  std::int64_t written_ = 0;
  DeviceBuffer input_;
  DeviceBuffer residual_;
  DeviceBuffer output_;
  CudaStream stream_;
};

// Whether a layer is as right by `products` as by those `before`, and, if `timed`, the faster. Where it
// cannot be tried, for want of memory or of room for a cluster, it is not.
bool is_better_by(Products products, Products before, CudaLayers& layers, int index, const CudaDevice& device,
                  bool timed) {
  try {
    LayerTrials trials(layers, index, device);
    const Trial old = trials.run(before, timed);
    const Trial trial = trials.run(products, timed);
    return agree(layers.precision(), old.results, trial.results) &&
           (!timed || trial.milliseconds < old.milliseconds);
  } catch (const Error&) {
    return false;
  }
}

// Layers of which one is tried for all.
std::vector<std::vector<int>> cluster_candidates(const CudaLayers& layers) {
  std::map<std::array<int, 7>, std::vector<int>> by_shape;
  for (int i = 0; i < layers.position_layers(); ++i) {
    const Layer& layer = layers.network().layers[i];
    if (!can_try(layers, i) || !layers.fits_clusters(i)) continue;
    by_shape[{layer.in.channels, layer.out.channels, layer.groups, layer.kernel, layer.out.height,
              layer.out.width, layer.residual >= 0}]
        .push_back(i);
  }
  std::vector<std::vector<int>> candidates;
  for (auto& [shape, indices] : by_shape) candidates.push_back(std::move(indices));
  return candidates;
}

// Layers that are faster by clusters and as right; of those that `known` names, if it is there, all that are
// right.
std::vector<int> choose_clusters(CudaLayers& layers, const CudaDevice& device,
                                 const std::optional<MeasuredPlan>& known) {
  std::vector<int> chosen;
  for (const std::vector<int>& alike : cluster_candidates(layers)) {
    if (known && std::count(known->clusters.begin(), known->clusters.end(), alike[0]) == 0) continue;
    const bool is_better =
        is_better_by(Products::clusters, Products::warpgroups, layers, alike[0], device, !known);
    for (const int index : alike) layers.use(index, is_better ? Products::clusters : Products::warpgroups);
    if (is_better) chosen.insert(chosen.end(), alike.begin(), alike.end());
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace

void choose_products(CudaLayers& layers, const CudaDevice& device, const GpuWays& without,
                     PlanFolder& plans) {
  layers.use(Products::warps);
  const Precision precision = layers.precision();
  const int index = heaviest_convolution(layers);
  if (index < 0 || without.has(GpuWay::wgmma) || !kernels::has_warpgroup_products(precision)) return;
  const std::string subject = std::string("products ") + name(precision);
  const std::optional<MeasuredPlan> known = plans.find(subject, layers.network());
  if (known && !known->warpgroups) return;
  std::optional<CudaRange> range;
  if (!known) range.emplace("choose");
  MeasuredPlan plan;
  // That they agree is never taken from a file.
  plan.warpgroups = is_better_by(Products::warpgroups, Products::warps, layers, index, device, !known);
  layers.use(plan.warpgroups ? Products::warpgroups : Products::warps);
  if (plan.warpgroups && !without.has(GpuWay::clusters))
    plan.clusters = choose_clusters(layers, device, known);
  if (!known) plans.keep(subject, layers.network(), plan);
}

std::string describe_products(const CudaLayers& layers) {
  int clusters = 0;
  for (int i = 0; i < layers.position_layers(); ++i) clusters += layers.products(i) == Products::clusters;
  if (clusters > 0) return fmt::format(" by wgmma (clusters: {})", clusters);
  return layers.uses_warpgroups() ? " by wgmma" : "";
}

}  // namespace backdrop
