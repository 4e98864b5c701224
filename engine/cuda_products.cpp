#include "engine/cuda_products.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "engine/cuda_agreement.h"
#include "engine/cuda_random.h"
#include "engine/cuda_range.h"
#include "engine/cuda_timing.h"
#include "kernels/position_convolution_cuda.h"

namespace backdrop {
namespace {

using kernels::Products;

constexpr int kTimedRows = 128;  // a tile of the position convolution is one position
constexpr int kWaves = 2;        // of large tiles, one a multiprocessor
constexpr char kChoosing[] = "choosing products";

DeviceBuffer random_buffer(Precision precision, std::size_t count) {
  DeviceBuffer buffer(count * element_bytes(precision), kChoosing);
  fill_with_random_elements(precision, buffer.data(), buffer.size());
  return buffer;
}

// Whether it reads and writes plain values. Fully connected layers in bfloat16 may be all that there is of
// it.
bool can_try(const CudaLayers& layers, int index) {
  const Layer& layer = layers.network().layers[index];
  if (layer.kind == LayerKind::fully_connected) return layers.form(layer.input) == Precision::bf16;
  return layer.kind == LayerKind::convolution && layer.input != 0 && index + 1 < layers.position_layers();
}

// Of the layers that read values of each form, the one with the most multiply-adds; the most of all first.
std::vector<int> heaviest_layers(const CudaLayers& layers) {
  std::map<Precision, int> by_form;
  for (int i = 0; i < static_cast<int>(layers.network().layers.size()); ++i) {
    if (!can_try(layers, i)) continue;
    int& heaviest = by_form.insert({layers.form(layers.network().layers[i].input), i}).first->second;
    if (layers.multiply_adds(i) > layers.multiply_adds(heaviest)) heaviest = i;
  }
  std::vector<int> heaviest;
  for (const auto& [form, index] : by_form) heaviest.push_back(index);
  std::sort(heaviest.begin(), heaviest.end(),
            [&](int a, int b) { return layers.multiply_adds(a) > layers.multiply_adds(b); });
  return heaviest;
}

// Those to try one after the other.
std::vector<Products> candidates(Precision precision, const GpuWays& without) {
  std::vector<Products> found;
  for (const Products products : {Products::split, Products::split_warpgroups, Products::warpgroups})
    if (kernels::has_products(precision, products) && allowed(products, without)) found.push_back(products);
  return found;
}

struct Trial {
  std::vector<std::byte> results;
  double milliseconds = 0;
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
    read_ = layer_.kind == LayerKind::fully_connected
                ? layer_.in.size()
                : std::int64_t{std::min(lines, layer_.in.height)} * layer_.in.width * layer_.in.channels;
    written_ = std::int64_t{work_.positions} * layer_.out.channels;
    input_ = random_buffer(layers.form(layer_.input), read_ * kTimedRows);
    if (layer_.residual >= 0) residual_ = random_buffer(layers.form(layer_.residual), written_ * kTimedRows);
    output_.reserve(written_ * kTimedRows * layers.value_bytes(index + 1), kChoosing);
  }

  void warm_up() {
    backdrop::warm_up(stream_, [this] { enqueue(); });
  }

  // Milliseconds only if `timed`. The layer multiplies so from now on.
  Trial run(Products products, bool timed) {
    layers_.use(index_, products);
    check_cuda(cudaMemsetAsync(output_.data(), 0xff, output_.size(), stream_), kChoosing);
    Trial trial;
    if (timed)
      trial.milliseconds = milliseconds(stream_, [this] { enqueue(); });
    else
      enqueue();
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

struct Comparison {
  bool better = false;
  bool final = true;  // false: for want of memory, of which there may be more another time
};

// Whether a layer is as right by `products` as by those `before`, and, if `timed`, the faster. Where it
// cannot be tried, for want of memory or of room for a cluster, it is not.
Comparison compare_layer(Products before, Products products, CudaLayers& layers, int index,
                         const CudaDevice& device, bool timed) {
  try {
    LayerTrials trials(layers, index, device);
    if (timed && before == Products::warps) trials.warm_up();
    const Trial old = trials.run(before, timed);
    const Trial trial = trials.run(products, timed);
    const Precision stored = layers.form(index + 1);
    // Bytes of whole numbers' products are the same; those of floats' may round to neighbours.
    const int steps =
        stored == Precision::int8 && layers.form(layers.network().layers[index].input) != stored;
    return {agree(stored, old.results, trial.results, 1, steps) &&
            (!timed || trial.milliseconds < old.milliseconds)};
  } catch (const DeviceMemoryError&) {
    return {false, false};
  } catch (const Error&) {
    return {};
  }
}

// The same for all of these layers; the first one's time decides.
Comparison compare(Products before, Products products, CudaLayers& layers, const std::vector<int>& indices,
                   const CudaDevice& device, bool timed) {
  Comparison all{true};
  for (const int index : indices) {
    const Comparison found =
        compare_layer(before, products, layers, index, device, timed && index == indices.front());
    all = {all.better && found.better, all.final && found.final};
  }
  return all;
}

// Layers of which one is tried for all.
std::vector<std::vector<int>> cluster_candidates(const CudaLayers& layers) {
  std::map<std::array<int, 9>, std::vector<int>> by_shape;
  for (int i = 0; i < layers.position_layers(); ++i) {
    const Layer& layer = layers.network().layers[i];
    if (!can_try(layers, i) || !layers.fits_clusters(i)) continue;
    by_shape[{layer.in.channels, layer.out.channels, layer.groups, layer.kernel, layer.out.height,
              layer.out.width, layer.residual >= 0, static_cast<int>(layers.form(layer.input)),
              static_cast<int>(layers.form(i + 1))}]
        .push_back(i);
  }
  std::vector<std::vector<int>> candidates;
  for (auto& [shape, indices] : by_shape) candidates.push_back(std::move(indices));
  return candidates;
}

// Takes clusters for the layers that are faster by them and as right; of those that `known` names, if it is
// there, for all that are right. False if that is not to be kept.
bool choose_clusters(CudaLayers& layers, const CudaDevice& device, const std::optional<MeasuredPlan>& known,
                     std::vector<int>& chosen) {
  bool final = true;
  for (const std::vector<int>& alike : cluster_candidates(layers)) {
    if (known && std::count(known->clusters.begin(), known->clusters.end(), alike[0]) == 0) continue;
    const Comparison found =
        compare(Products::warpgroups, Products::clusters, layers, {alike[0]}, device, !known);
    final = final && found.final;
    for (const int index : alike) layers.use(index, found.better ? Products::clusters : Products::warpgroups);
    if (found.better) chosen.insert(chosen.end(), alike.begin(), alike.end());
  }
  std::sort(chosen.begin(), chosen.end());
  return final;
}

}  // namespace

bool allowed(Products products, const GpuWays& without) {
  const bool wgmma = products != Products::warps && products != Products::split;
  return !(wgmma && without.has(GpuWay::wgmma)) && !(is_split(products) && without.has(GpuWay::split)) &&
         !(products == Products::clusters && without.has(GpuWay::clusters));
}

void choose_products(CudaLayers& layers, const CudaDevice& device, const GpuWays& without,
                     PlanFolder& plans) {
  layers.use(Products::warps);
  const Precision precision = layers.precision();
  const std::vector<int> heaviest = heaviest_layers(layers);
  std::vector<Products> others = candidates(precision, without);
  if (heaviest.empty() || others.empty()) return;
  const std::string subject = "products " + layers.form_name();
  const std::optional<MeasuredPlan> known = plans.find(subject, layers.network());
  if (known) std::erase_if(others, [&](Products products) { return products != known->products; });
  std::optional<CudaRange> range;
  if (!known) range.emplace("choose");
  MeasuredPlan plan;
  bool final = true;
  for (const Products products : others) {
    // That they agree is never taken from a file.
    const Comparison found = compare(plan.products, products, layers, heaviest, device, !known);
    final = final && found.final;
    if (found.better) plan.products = products;
  }
  layers.use(plan.products);
  if (plan.products == Products::warpgroups && allowed(Products::clusters, without))
    final = choose_clusters(layers, device, known, plan.clusters) && final;
  if (!known && final) plans.keep(subject, layers.network(), plan);
}

std::string describe_products(const CudaLayers& layers) {
  int clusters = 0;
  Products products = Products::warps;
  for (int i = 0; i < layers.position_layers(); ++i) {
    clusters += layers.products(i) == Products::clusters;
    if (layers.products(i) != Products::warps) products = layers.products(i);
  }
  if (clusters > 0) return fmt::format(" by wgmma (clusters: {})", clusters);
  return products == Products::warps ? "" : fmt::format(" by {}", name(products));
}

}  // namespace backdrop
