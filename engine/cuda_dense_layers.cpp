#include "engine/cuda_dense_layers.h"

#include <algorithm>
#include <optional>

#include "engine/cuda_range.h"
#include "engine/value_lifetimes.h"

namespace backdrop {
namespace {

MemoryPlan plan_values(const CudaLayers& layers, int batch) {
  std::vector<int> last = last_readers(layers.network());
  // A chain's blocks read the input while others already write the output.
  for (const auto& chain : find_chains(layers.network())) {
    int& reader = last[layers.network().layers[chain.front().reduce].input];
    reader = std::max(reader, chain.back().expand);
  }
  std::vector<BufferLifetime> buffers;
  for (int v = 0; v < layers.position_layers(); ++v)
    buffers.push_back({v - 1, last[v], layers.network().shape(v).size() * batch * layers.value_bytes(v)});
  return plan_memory(buffers);
}

}  // namespace

CudaDenseLayers::CudaDenseLayers(const CudaLayers& layers, int batch, const GpuWays& without,
                                 PlanFolder& plans)
    : layers_(layers),
      batch_(batch),
      without_(without),
      plan_(plan_values(layers, batch)),
      arena_(plan_.bytes, "activations"),
      tail_(layers, batch),
      convolutions_(layers.network().layers.size()),
      chains_(layers.network().layers.size()) {
  if (needs_calibration(layers.precision()) || without.has(GpuWay::cudnn)) {
    no_cudnn_ = "our kernels";
  } else {
    cudnn_ = kernels::Cudnn::open(stream_, no_cudnn_);
    cudaGetLastError();  // forget what a call of cuDNN's failed for: the next kernel must not report it
  }
  if (cudnn_) workspace_ = DeviceBuffer(std::min(kMostCudnnBytes, arena_.size()), "cuDNN");
  choose(plans);
  // cuDNN always runs full batches: what lies in unused places must at least be numbers.
  clear_activations();
  stream_.synchronize();
}

void CudaDenseLayers::clear_activations() {
  check_cuda(cudaMemsetAsync(arena_.data(), 0, arena_.size(), stream_), "clearing memory");
}

double CudaDenseLayers::pace(int first, int index) const {
  const ByCudnn& by = convolutions_[index];
  double pace = by.convolution ? static_cast<double>(by.least_rows) / batch_ : 1.0;
  for (int i = first; i <= index; ++i)
    if (const auto& [chain, percent] = chains_[i]; chain && chain->last_layer() >= index)
      pace *= percent / 100.0;
  return pace;
}

cudaError_t CudaDenseLayers::start(const CudaChain& chain, int rows) {
  return chain.run(value(layers_.network().layers[chain.first_layer()].input), value(chain.last_layer() + 1),
                   rows, stream_);
}

void CudaDenseLayers::run_layer(int index, int rows) {
  if (const ByCudnn& by = convolutions_[index]; by.convolution && rows >= by.least_rows) {
    if (!by.convolution->run()) throw Error(ErrorCode::failed, "cuDNN refused a convolution it had accepted");
    return;
  }
  const Layer& layer = layers_.network().layers[index];
  const auto rows_of = [&](int v) { return image_rows(value(v), layers_.network().shape(v).size()); };
  layers_.run(
      index, layers_.whole(index), rows, rows_of(layer.input),
      layer.residual >= 0 ? rows_of(layer.residual) : kernels::DeviceRows(), nullptr,
      {value(index + 1), layers_.network().shape(index + 1).size(), nullptr, kernels::DotOutput::stored},
      stream_);
}

void CudaDenseLayers::run(int first, int rows, CudaStepClock& clock) {
  // A profile's events lie between the layers.
  if (clock.has_profile() || without_.has(GpuWay::graphs)) return run_layers(first, rows, clock);
  graphs_[first].run(rows, stream_, [&] { run_layers(first, rows, clock); });
}

void CudaDenseLayers::run_layers(int first, int rows, CudaStepClock& clock) {
  std::optional<CudaRange> reduce;
  clock.start(stream_);
  for (int i = first; i < layers_.position_layers(); ++i) {
    const CudaChain* chain = chains_[i].chain.get();
    if (chain == nullptr) {
      const Layer& layer = layers_.network().layers[i];
      if (layer.kind == LayerKind::average_pool) reduce.emplace("reduce");
      const CudaRange range(layer.name);
      run_layer(i, rows);
      clock.lap_layer(i, layers_.multiply_adds(i) * rows, stream_);
      continue;
    }
    const CudaRange range(chain->name());
    check_cuda(start(*chain, rows), "starting bottlenecks");
    std::vector<std::int64_t> multiply_adds;
    for (int k = i; k <= chain->last_layer(); ++k) multiply_adds.push_back(layers_.multiply_adds(k) * rows);
    clock.lap_layers(i, multiply_adds, stream_);
    i = chain->last_layer();
  }
  if (!reduce) reduce.emplace("reduce");
  tail_.run(rows, stream_, clock);
}

}  // namespace backdrop
