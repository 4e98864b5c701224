#include <vector>

#include "engine/batch_plan.h"
#include "engine/layer_shapes.h"
#include "kernels/dense.h"

namespace backdrop {
namespace {

class ReferencePlan final : public BatchPlan {
 public:
  explicit ReferencePlan(std::shared_ptr<const Network> network) : network_(std::move(network)) {
    for (std::size_t v = 0; v <= network_->layers.size(); ++v) {
      offsets_.push_back(floats_);
      floats_ += network_->shape(static_cast<int>(v)).size();
    }
  }

  int batch() const override { return 1; }
  std::size_t arena_bytes() const override { return floats_ * sizeof(float); }
  float* input(std::byte* arena) const override { return reinterpret_cast<float*>(arena); }

  const float* run(std::byte* arena) const override {
    float* values = reinterpret_cast<float*>(arena);
    for (std::size_t i = 0; i < network_->layers.size(); ++i) run_layer(values, i);
    return values + offsets_.back();
  }

  std::string description() const override { return "plain reference loops"; }

 private:
  void run_layer(float* values, std::size_t index) const {
    const Layer& layer = network_->layers[index];
    const float* input = values + offsets_[layer.input];
    const float* residual = layer.residual >= 0 ? values + offsets_[layer.residual] : nullptr;
    float* output = values + offsets_[index + 1];
    switch (layer.kind) {
      case LayerKind::convolution:
        kernels::convolution_reference(convolution_shape(layer), 1, input, layer.weights.data(),
                                       layer.bias.data(), residual, output);
        break;
      case LayerKind::max_pool:
        kernels::max_pool_reference(pool_shape(layer), 1, input, output);
        break;
      case LayerKind::average_pool:
        kernels::average_pool_reference(layer.in.height, layer.in.width, layer.in.channels, 1, input, output);
        break;
      case LayerKind::fully_connected:
        kernels::fully_connected_reference(fully_connected_shape(layer), 1, input, layer.weights.data(),
                                           layer.bias.data(), output);
        break;
    }
  }

  std::shared_ptr<const Network> network_;
  std::vector<std::size_t> offsets_;  // of each value, in floats
  std::size_t floats_ = 0;
};

}  // namespace

std::unique_ptr<BatchPlan> make_reference_plan(std::shared_ptr<const Network> network) {
  return std::make_unique<ReferencePlan>(std::move(network));
}

}  // namespace backdrop
