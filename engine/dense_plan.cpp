// The dense path: one oneDNN operation a layer, values in one arena. A residual is added in place where the
// layer that adds it is its last reader (always, in a ResNet): the output then takes over the residual's
// memory.
#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "engine/batch_plan.h"
#include "engine/layer_shapes.h"
#include "engine/memory_plan.h"
#include "engine/value_lifetimes.h"
#include "kernels/dense.h"

namespace backdrop {
namespace {

using kernels::DenseOperation;

DenseOperation make_operation(const Layer& layer, int batch) {
  switch (layer.kind) {
    case LayerKind::max_pool:
      return DenseOperation::max_pool(pool_shape(layer), batch);
    case LayerKind::average_pool:
      return DenseOperation::average_pool(layer.in.height, layer.in.width, layer.in.channels, batch);
    case LayerKind::fully_connected:
      return DenseOperation::fully_connected(fully_connected_shape(layer), batch, layer.weights.data(),
                                             layer.bias.data());
    case LayerKind::convolution:
      break;
  }
  return DenseOperation::convolution(convolution_shape(layer), batch, layer.weights.data(), layer.bias.data(),
                                     layer.residual >= 0);
}

class DensePlan final : public BatchPlan {
 public:
  DensePlan(std::shared_ptr<const Network> network, int batch) : network_(std::move(network)), batch_(batch) {
    for (const Layer& layer : network_->layers) {
      operations_.push_back(make_operation(layer, batch));
      scratch_bytes_ = std::max(scratch_bytes_, operations_.back().scratch_bytes());
    }
    place_values();
  }

  int batch() const override { return batch_; }
  std::size_t arena_bytes() const override { return values_bytes_ + scratch_bytes_; }
  float* input(std::byte* arena) const override { return value(arena, 0); }

  const float* run(std::byte* arena) const override {
    std::byte* scratch = arena + values_bytes_;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const Layer& layer = network_->layers[i];
      float* output = value(arena, static_cast<int>(i) + 1);
      if (layer.residual >= 0 && value(arena, layer.residual) != output)
        std::memcpy(output, value(arena, layer.residual), layer.out.size() * batch_ * sizeof(float));
      operations_[i].run(value(arena, layer.input), output, scratch);
    }
    return value(arena, static_cast<int>(operations_.size()));
  }

  std::string description() const override {
    std::map<std::string, int> count;
    for (const auto& operation : operations_) ++count[operation.implementation()];
    const auto most = std::max_element(count.begin(), count.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return "oneDNN, mostly " + most->first + ", batch " + std::to_string(batch_);
  }

 private:
  float* value(std::byte* arena, int index) const {
    return reinterpret_cast<float*>(arena + offsets_[index]);
  }

  void place_values() {
    const std::vector<int> last = last_readers(*network_);
    std::vector<BufferLifetime> buffers;
    for (int v = 0; v < static_cast<int>(last.size()); ++v) {
      const int written = v - 1;
      const std::size_t bytes = network_->shape(v).size() * batch_ * sizeof(float);
      buffers.push_back({written, std::max(last[v], written), bytes,
                         v > 0 ? replaced_residual(*network_, last, written) : -1});
    }
    const MemoryPlan plan = plan_memory(buffers);
    values_bytes_ = plan.bytes;
    offsets_ = plan.offsets;
  }

  std::shared_ptr<const Network> network_;
  int batch_;
  std::vector<DenseOperation> operations_;
  std::vector<std::size_t> offsets_;  // of each value in the arena
  std::size_t values_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace

std::unique_ptr<BatchPlan> make_dense_plan(std::shared_ptr<const Network> network, int batch) {
  return std::make_unique<DensePlan>(std::move(network), batch);
}

}  // namespace backdrop
