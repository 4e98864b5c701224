// Which ways the dense path takes: those of a plan that was measured before (engine/measured_plan.h), or else
// the fastest of what there is and is right, each timed on a full batch of random images.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/cuda_agreement.h"
#include "engine/cuda_dense_layers.h"
#include "engine/cuda_products.h"
#include "engine/cuda_random.h"
#include "engine/cuda_range.h"
#include "engine/cuda_timing.h"
#include "engine/layer_shapes.h"

namespace backdrop {
namespace {

constexpr int kTimedWays = 12;  // of some forty that cuDNN proposes, in its own order
constexpr char kComparing[] = "comparing ways to compute a layer";
constexpr int kSides[] = {8, 16};  // of a block of bottlenecks, in positions

}  // namespace

void CudaDenseLayers::choose(PlanFolder& plans) {
  const std::string subject =
      fmt::format("dense {}{}, batch {}, {}", layers_.form_name(), describe_products(layers_), batch_,
                  cudnn_ ? "cuDNN " + cudnn_->version() : "no cuDNN");
  const auto chains = without_.has(GpuWay::bottlenecks) ? Chains() : usable_chains();
  if (cudnn_ || !chains.empty()) fill_with_random_elements(layers_.precision(), arena_.data(), arena_.size());
  const std::optional<MeasuredPlan> known = plans.find(subject, layers_.network());
  if (!known || !follow(*known)) {
    const CudaRange range("choose");
    if (cudnn_ || !chains.empty())
      warm_up(stream_, [this, heaviest = heaviest_convolution()] { run_layer(heaviest, batch_); });
    choose_convolutions();
    choose_chains(chains);
    plans.keep(subject, layers_.network(), plan());
  }
  alike_.clear();
}

int CudaDenseLayers::heaviest_convolution() const {
  int heaviest = 0;
  for (int i = 1; i < layers_.position_layers(); ++i)
    if (layers_.multiply_adds(i) > layers_.multiply_adds(heaviest)) heaviest = i;
  return heaviest;
}

// The chains that may run as one kernel: the last layer before the fully connected ones writes floats in
// 8 bits.
CudaDenseLayers::Chains CudaDenseLayers::usable_chains() const {
  if (layers_.half_sums()) return {};  // their kernels know one form of values
  auto chains = find_chains(layers_.network());
  std::erase_if(chains,
                [&](const auto& chain) { return chain.back().expand + 1 >= layers_.position_layers(); });
  return chains;
}

void CudaDenseLayers::choose_convolutions() {
  if (!cudnn_) return;
  for (int i = 0; i < layers_.position_layers(); ++i) {
    const Layer& layer = layers_.network().layers[i];
    if (layer.kind != LayerKind::convolution) continue;
    const Alike& known = alike(i);
    if (known.first < i) {
      if (const ByCudnn& by = convolutions_[known.first]; by.convolution)
        convolutions_[i] = {take(known, by.convolution->way(), i), by.least_rows};
      continue;
    }
    const double ours = milliseconds(stream_, [&] { run_layer(i, batch_); });
    double least = ours;
    for (int way = 0; way < std::min(kTimedWays, known.ways.count()); ++way) {
      auto convolution = take(known, way, i);
      if (!convolution) continue;
      const double elapsed = milliseconds(
          stream_, [&] { convolution->run(); }, least);
      if (elapsed >= least) continue;
      least = elapsed;
      // Ours takes less with fewer rows.
      const int least_rows = std::clamp(static_cast<int>(std::ceil(batch_ * least / ours)), 1, batch_);
      convolutions_[i] = {std::move(convolution), least_rows};
    }
    run_layer(i, batch_);  // what the last way left may be anything
  }
}

const CudaDenseLayers::Alike& CudaDenseLayers::alike(int index) {
  const Layer& layer = layers_.network().layers[index];
  const kernels::ConvolutionShape shape = convolution_shape(layer);
  const bool residual = layer.residual >= 0;
  const ShapeKey key{
      shape.height, shape.width,   shape.channels, shape.out_channels, shape.kernel,
      shape.stride, shape.padding, shape.groups,   residual,           static_cast<int>(layer.activation)};
  auto known = alike_.find(key);
  if (known == alike_.end()) {
    run_layer(index, batch_);
    known = alike_
                .insert({key,
                         {index,
                          {cudnn_, {shape, batch_, layers_.precision(), residual}},
                          first_and_last_image(index)}})
                .first;
    cudaGetLastError();  // forget what cuDNN may have failed for
  }
  return known->second;
}

// What a layer computed for them, of a full batch: a way that is wrong is hardly so between them alone.
std::vector<std::byte> CudaDenseLayers::first_and_last_image(int index) const {
  const std::size_t bytes = layers_.network().shape(index + 1).size() * layers_.value_bytes(index + 1);
  const auto* images = static_cast<const std::byte*>(value(index + 1));
  std::vector<std::byte> two(2 * bytes);
  stream_.synchronize();
  check_cuda(cudaMemcpy(two.data(), images, bytes, cudaMemcpyDeviceToHost), kComparing);
  check_cuda(cudaMemcpy(two.data() + bytes, images + (batch_ - 1) * bytes, bytes, cudaMemcpyDeviceToHost),
             kComparing);
  return two;
}

// So that a way that writes nothing does not find the right results.
void CudaDenseLayers::spoil(int index) {
  const std::size_t bytes =
      layers_.network().shape(index + 1).size() * layers_.value_bytes(index + 1) * batch_;
  check_cuda(cudaMemsetAsync(value(index + 1), 0xff, bytes, stream_), kComparing);
}

// Null if it does not run, or is wrong.
std::unique_ptr<kernels::CudnnConvolution> CudaDenseLayers::take(const Alike& known, int way, int index) {
  const Layer& layer = layers_.network().layers[index];
  kernels::CudnnBuffers buffers;
  buffers.input = value(layer.input);
  buffers.weights = layers_.weights(index);
  buffers.residual = layer.residual >= 0 ? value(layer.residual) : nullptr;
  buffers.bias = layers_.stored_bias(index);
  buffers.output = value(index + 1);
  buffers.workspace = workspace_.data();
  buffers.workspace_bytes = static_cast<std::int64_t>(workspace_.size());
  auto convolution = known.ways.take(way, buffers);
  spoil(index);
  if (!convolution || !convolution->run()) {
    cudaGetLastError();  // forget what cuDNN failed for: the next kernel must not report it
    return nullptr;
  }
  if (index == known.first && !is_right(known.by_ours, index, 1)) return nullptr;
  return convolution;
}

void CudaDenseLayers::choose_chains(const Chains& chains) {
  const auto keep_faster = [&](std::unique_ptr<CudaChain> chain, const std::vector<std::byte>& by_layers,
                               double by_layers_time, double& least) {
    if (!is_right(*chain, by_layers)) return;
    const double elapsed =
        milliseconds(stream_, [&] { check_cuda(start(*chain, batch_), "starting bottlenecks"); });
    if (elapsed >= least) return;
    least = elapsed;
    for (int i = chain->first_layer(); i <= chain->last_layer(); ++i) chains_[i] = {};
    const int first = chain->first_layer();
    const int percent = std::max(1, static_cast<int>(std::ceil(100.0 * elapsed / by_layers_time)));
    chains_[first] = {std::move(chain), percent};
  };
  for (const auto& found : chains) {
    double layers = 0;
    double least = 0;
    for (const FoundBottleneck& one : found) {
      double alone = 0;
      for (int i = one.reduce; i <= one.expand; ++i)
        alone += milliseconds(stream_, [&] { run_layer(i, batch_); });
      layers += alone;
      double least_alone = alone;
      keep_faster(std::make_unique<CudaChain>(layers_, std::vector{one}, kSides[0]),
                  first_and_last_image(one.expand), alone, least_alone);
      least += least_alone;
    }
    if (found.size() == 1) continue;
    run_layer_by_layer(found.front().reduce, found.back().expand);
    const auto by_layers = first_and_last_image(found.back().expand);
    for (const int side : kSides)
      keep_faster(std::make_unique<CudaChain>(layers_, found, side), by_layers, layers, least);
  }
}

void CudaDenseLayers::run_layer_by_layer(int first, int last) {
  for (int i = first; i <= last; ++i) run_layer(i, batch_);
}

// Whether it runs on this device, in this precision, and gives what its layers gave just before.
bool CudaDenseLayers::is_right(const CudaChain& chain, const std::vector<std::byte>& by_layers) {
  spoil(chain.last_layer());
  if (start(chain, batch_) != cudaSuccess) {
    cudaGetLastError();  // forget it
    return false;
  }
  return is_right(by_layers, chain.last_layer(), chain.last_layer() + 1 - chain.first_layer());
}

// Whether so many layers, up to `index`, left what they should have.
bool CudaDenseLayers::is_right(const std::vector<std::byte>& expected, int index, int layers) {
  const bool right = agree(layers_.precision(), expected, first_and_last_image(index), layers);
  wrong_ways_ += !right;
  return right;
}

// False, with nothing taken, if the plan has a step that cannot run here.
bool CudaDenseLayers::follow(const MeasuredPlan& plan) {
  const auto taken = [&](const auto& known) { return take(known); };
  if (std::all_of(plan.convolutions.begin(), plan.convolutions.end(), taken) &&
      std::all_of(plan.chains.begin(), plan.chains.end(), taken))
    return true;
  for (auto& convolution : convolutions_) convolution = {};
  for (auto& by : chains_) by = {};
  return false;
}

bool CudaDenseLayers::take(const MeasuredPlan::Convolution& known) {
  if (!cudnn_ || known.layer >= layers_.position_layers() || known.least_rows < 1 ||
      known.least_rows > batch_ || convolutions_[known.layer].convolution ||
      layers_.network().layers[known.layer].kind != LayerKind::convolution)
    return false;
  convolutions_[known.layer] = {take(alike(known.layer), known.way, known.layer), known.least_rows};
  return convolutions_[known.layer].convolution != nullptr;
}

bool CudaDenseLayers::take(const MeasuredPlan::Chain& known) {
  if (std::find(std::begin(kSides), std::end(kSides), known.side) == std::end(kSides)) return false;
  if (known.percent < 1 || known.percent > 100) return false;
  for (const auto& found : usable_chains()) {
    for (std::size_t b = 0; b < found.size(); ++b) {
      if (found[b].reduce != known.first_layer) continue;
      if (known.bottlenecks != 1 && (b > 0 || known.bottlenecks != static_cast<int>(found.size())))
        return false;
      const auto first = found.begin() + static_cast<std::ptrdiff_t>(b);
      auto chain =
          std::make_unique<CudaChain>(layers_, std::vector(first, first + known.bottlenecks), known.side);
      for (const auto& [other, percent] : chains_)
        if (other && other->first_layer() <= chain->last_layer() &&
            chain->first_layer() <= other->last_layer())
          return false;
      run_layer_by_layer(chain->first_layer(), chain->last_layer());
      if (!is_right(*chain, first_and_last_image(chain->last_layer()))) return false;
      chains_[known.first_layer] = {std::move(chain), known.percent};
      return true;
    }
  }
  return false;
}

MeasuredPlan CudaDenseLayers::plan() const {
  MeasuredPlan plan;
  for (int i = 0; i < static_cast<int>(convolutions_.size()); ++i)
    if (const ByCudnn& by = convolutions_[i]; by.convolution)
      plan.convolutions.push_back({i, by.convolution->way(), by.least_rows});
  for (const auto& [chain, percent] : chains_)
    if (chain) plan.chains.push_back({chain->first_layer(), chain->bottlenecks(), chain->side(), percent});
  return plan;
}

std::string CudaDenseLayers::libraries(int first) const {
  const auto& layers = layers_.network().layers;
  int by_cudnn = 0;
  int bottlenecks = 0;
  int kernels = 0;
  const auto end = layers.begin() + layers_.position_layers();
  const auto convolutions = std::count_if(
      layers.begin() + first, end, [](const Layer& layer) { return layer.kind == LayerKind::convolution; });
  for (int i = first; i < layers_.position_layers(); ++i) {
    if (const CudaChain* chain = chains_[i].chain.get(); chain != nullptr) {
      bottlenecks += chain->bottlenecks();
      ++kernels;
      i = chain->last_layer();
    } else {
      by_cudnn += convolutions_[i].convolution != nullptr;
    }
  }
  std::string text = no_cudnn_;
  if (cudnn_)
    text = fmt::format("cuDNN {} for {} of {} convolutions", cudnn_->version(), by_cudnn, convolutions);
  if (kernels > 0) text += fmt::format(", {} bottlenecks in {} kernels", bottlenecks, kernels);
  if (wrong_ways_ > 0) text += fmt::format(", {} ways left out for other results than ours", wrong_ways_);
  return text;
}

}  // namespace backdrop
