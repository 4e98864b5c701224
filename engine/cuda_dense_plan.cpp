// Which ways the dense path takes: those of a plan that was measured before (engine/measured_plan.h), or else
// the fastest of what there is, each timed on a full batch of random images.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/cuda_dense_layers.h"
#include "engine/cuda_products.h"
#include "engine/cuda_random.h"
#include "engine/cuda_range.h"
#include "engine/layer_shapes.h"

namespace backdrop {
namespace {

constexpr int kTimedRuns = 3;
constexpr int kTimedWays = 12;   // of some forty that cuDNN proposes, in its own order
constexpr double kLaunch = 1.0;  // milliseconds
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr int kSides[] = {8, 16};  // of a block of bottlenecks, in positions

}  // namespace

void CudaDenseLayers::choose(PlanFolder& plans) {
  const std::string subject =
      fmt::format("dense {}{}, batch {}, {}", name(layers_.precision()), describe_products(layers_), batch_,
                  cudnn_ ? "cuDNN " + cudnn_->version() : "no cuDNN");
  const std::optional<MeasuredPlan> known = plans.find(subject, layers_.network());
  if (!known || !follow(*known)) {
    const CudaRange range("choose");
    const auto chains = without_.has(GpuWay::bottlenecks) ? Chains() : usable_chains();
    if (cudnn_ || !chains.empty()) {
      stream_.synchronize();
      fill_with_random_elements(layers_.precision(), arena_.data(), arena_.size());
    }
    choose_convolutions();
    choose_chains(chains);
    plans.keep(subject, layers_.network(), plan());
  }
  alike_.clear();
}

// The chains that may run as one kernel: the last layer before the fully connected ones writes floats in
// 8 bits.
CudaDenseLayers::Chains CudaDenseLayers::usable_chains() const {
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
    const auto& [first, ways] = alike(i);
    if (first < i) {
      if (const ByCudnn& known = convolutions_[first]; known.convolution)
        convolutions_[i] = {take(ways, known.convolution->way(), i), known.least_rows};
      continue;
    }
    const double ours = milliseconds([&] { run_layer(i, batch_); });
    double least = ours;
    for (int way = 0; way < std::min(kTimedWays, ways.count()); ++way) {
      auto convolution = take(ways, way, i);
      if (!convolution) continue;
      const double elapsed = milliseconds([&] { convolution->run(); }, least);
      if (elapsed >= least) continue;
      least = elapsed;
      // Ours takes less with fewer rows.
      const int least_rows = std::clamp(static_cast<int>(std::ceil(batch_ * least / ours)), 1, batch_);
      convolutions_[i] = {std::move(convolution), least_rows};
    }
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
  if (known == alike_.end())
    known = alike_.insert({key, {index, {cudnn_, {shape, batch_, layers_.precision(), residual}}}}).first;
  return known->second;
}

// Null if it does not run.
std::unique_ptr<kernels::CudnnConvolution> CudaDenseLayers::take(const kernels::CudnnWays& ways, int way,
                                                                 int index) const {
  const Layer& layer = layers_.network().layers[index];
  kernels::CudnnBuffers buffers;
  buffers.input = value(layer.input);
  buffers.weights = layers_.weights(index);
  buffers.residual = layer.residual >= 0 ? value(layer.residual) : nullptr;
  buffers.bias = layers_.stored_bias(index);
  buffers.output = value(index + 1);
  buffers.workspace = workspace_.data();
  buffers.workspace_bytes = static_cast<std::int64_t>(workspace_.size());
  auto convolution = ways.take(way, buffers);
  if (convolution && !convolution->run()) convolution.reset();
  return convolution;
}

void CudaDenseLayers::choose_chains(const Chains& chains) {
  const auto keep_faster = [&](std::unique_ptr<CudaChain> chain, double& least) {
    const double elapsed = milliseconds(*chain);
    if (elapsed >= least) return;
    least = elapsed;
    for (int i = chain->first_layer(); i <= chain->last_layer(); ++i) chains_[i].reset();
    chains_[chain->first_layer()] = std::move(chain);
  };
  for (const auto& found : chains) {
    double all = 0;
    for (const FoundBottleneck& one : found) {
      double alone = 0;
      for (int i = one.reduce; i <= one.expand; ++i) alone += milliseconds([&] { run_layer(i, batch_); });
      keep_faster(std::make_unique<CudaChain>(layers_, std::vector{one}, kSides[0]), alone);
      all += alone;
    }
    if (found.size() == 1) continue;
    for (const int side : kSides) keep_faster(std::make_unique<CudaChain>(layers_, found, side), all);
  }
}

// False, with nothing taken, if the plan has a step that cannot run here.
bool CudaDenseLayers::follow(const MeasuredPlan& plan) {
  const auto taken = [&](const auto& known) { return take(known); };
  if (std::all_of(plan.convolutions.begin(), plan.convolutions.end(), taken) &&
      std::all_of(plan.chains.begin(), plan.chains.end(), taken))
    return true;
  for (auto& convolution : convolutions_) convolution = {};
  for (auto& chain : chains_) chain.reset();
  return false;
}

bool CudaDenseLayers::take(const MeasuredPlan::Convolution& known) {
  if (!cudnn_ || known.layer >= layers_.position_layers() || known.least_rows < 1 ||
      known.least_rows > batch_ || convolutions_[known.layer].convolution ||
      layers_.network().layers[known.layer].kind != LayerKind::convolution)
    return false;
  convolutions_[known.layer] = {take(alike(known.layer).ways, known.way, known.layer), known.least_rows};
  return convolutions_[known.layer].convolution != nullptr;
}

bool CudaDenseLayers::take(const MeasuredPlan::Chain& known) {
  if (std::find(std::begin(kSides), std::end(kSides), known.side) == std::end(kSides)) return false;
  for (const auto& found : usable_chains()) {
    for (std::size_t b = 0; b < found.size(); ++b) {
      if (found[b].reduce != known.first_layer) continue;
      if (known.bottlenecks != 1 && (b > 0 || known.bottlenecks != static_cast<int>(found.size())))
        return false;
      const auto first = found.begin() + static_cast<std::ptrdiff_t>(b);
      auto chain =
          std::make_unique<CudaChain>(layers_, std::vector(first, first + known.bottlenecks), known.side);
      for (const auto& other : chains_)
        if (other && other->first_layer() <= chain->last_layer() &&
            chain->first_layer() <= other->last_layer())
          return false;
      if (!can_start(*chain)) return false;
      chains_[known.first_layer] = std::move(chain);
      return true;
    }
  }
  return false;
}

MeasuredPlan CudaDenseLayers::plan() const {
  MeasuredPlan plan;
  plan.warpgroups = layers_.uses_warpgroups();
  for (int i = 0; i < static_cast<int>(convolutions_.size()); ++i)
    if (const ByCudnn& by = convolutions_[i]; by.convolution)
      plan.convolutions.push_back({i, by.convolution->way(), by.least_rows});
  for (const auto& chain : chains_)
    if (chain) plan.chains.push_back({chain->first_layer(), chain->bottlenecks(), chain->side()});
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
    if (const CudaChain* chain = chains_[i].get(); chain != nullptr) {
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
  return text;
}

bool CudaDenseLayers::can_start(const CudaChain& chain) {
  if (start(chain, batch_) == cudaSuccess) return true;
  cudaGetLastError();  // forget it
  return false;
}

// Infinite if this device or precision cannot.
double CudaDenseLayers::milliseconds(const CudaChain& chain) {
  if (!can_start(chain)) return kNever;
  return milliseconds([&] { check_cuda(start(chain, batch_), "starting bottlenecks"); });
}

// Infinite if the first run alone, which is not counted, takes longer than `most` and what a launch may.
double CudaDenseLayers::milliseconds(const std::function<void()>& run, double most) {
  CudaEvent start(cudaEventDefault);
  CudaEvent warm(cudaEventDefault);
  CudaEvent end(cudaEventDefault);
  const auto between = [](const CudaEvent& from, CudaEvent& to) {
    to.synchronize();
    float elapsed = 0;
    check_cuda(cudaEventElapsedTime(&elapsed, from, to), "timing a layer");
    return elapsed;
  };
  start.record(stream_);
  run();
  warm.record(stream_);
  if (std::isfinite(most) && between(start, warm) > most + kLaunch) return kNever;
  for (int i = 0; i < kTimedRuns; ++i) run();
  end.record(stream_);
  return between(warm, end);
}

}  // namespace backdrop
