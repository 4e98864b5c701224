#include "engine/cuda_tail.h"

#include "engine/cuda_range.h"
#include "kernels/decide_cuda.h"

namespace backdrop {

CudaTail::CudaTail(const CudaLayers& layers, int batch)
    : layers_(layers), stride_(layers.network().classes()) {
  const int count = static_cast<int>(layers.network().layers.size());
  for (int v = layers.position_layers(); v <= count; ++v) {
    const std::size_t bytes = v == count ? sizeof(float) : layers.value_bytes(v);
    values_.emplace_back(bytes * layers.network().shape(v).size() * batch, "activations");
  }
}

void CudaTail::run(int rows, cudaStream_t stream, CudaStepClock& clock) const {
  const int first = layers_.position_layers();
  const int count = static_cast<int>(layers_.network().layers.size());
  for (int i = first; i < count; ++i) {
    const CudaRange range(layers_.network().layers[i].name);
    const auto input = image_rows(values_[i - first].data(), layers_.network().shape(i).size());
    const kernels::DeviceOutput output{
        values_[i - first + 1].data(), layers_.network().shape(i + 1).size(), nullptr,
        i + 1 == count ? kernels::DotOutput::real : kernels::DotOutput::stored};
    layers_.run(i, layers_.whole(i), rows, input, {}, nullptr, output, stream);
    clock.lap_layer(i, layers_.multiply_adds(i) * rows, stream);
  }
}

std::size_t CudaTail::bytes() const {
  std::size_t bytes = 0;
  for (const DeviceBuffer& value : values_) bytes += value.size();
  return bytes;
}

void CudaDecisions::reserve(std::size_t composites, const CudaTail& tail, bool with_logits) {
  stride_ = tail.stride();
  with_logits_ = with_logits;
  device_.reserve_amply(composites * sizeof(kernels::DeviceDecision), "decisions");
  host_.reserve_amply(composites * sizeof(kernels::DeviceDecision), "decisions");
  if (with_logits) host_logits_.reserve_amply(composites * stride_ * sizeof(float), "logits");
}

void CudaDecisions::decide(const CudaTail& tail, int classes, const std::int32_t* in9,
                           const std::int32_t* labels, std::size_t first, int rows, cudaStream_t stream) {
  const CudaRange range("decide");
  auto* decisions = device_.as<kernels::DeviceDecision>() + first;
  check_cuda(kernels::decide_cuda({tail.logits(), stride_, classes, rows, in9, labels, decisions}, stream),
             "starting the decisions");
  check_cuda(cudaMemcpyAsync(host_.as<kernels::DeviceDecision>() + first, decisions,
                             rows * sizeof(kernels::DeviceDecision), cudaMemcpyDeviceToHost, stream),
             "copying decisions");
  if (!with_logits_) return;
  check_cuda(cudaMemcpyAsync(host_logits_.as<float>() + first * stride_, tail.logits(),
                             sizeof(float) * stride_ * rows, cudaMemcpyDeviceToHost, stream),
             "copying logits");
}

}  // namespace backdrop
