#include "engine/tail_plan.h"

#include <algorithm>

#include "core/rounding.h"
#include "engine/layer_shapes.h"

namespace backdrop {
namespace {

// oneDNN multiplies so many rows at a time (6 with AVX2, others with other instructions), and sums in another
// order for those that are left over. In whole blocks of them a composite's logits do not depend on its
// place.
constexpr int kWholeBlocks = 48;

}  // namespace

int tail_batch(int rows) {
  return round_up(kWholeBlocks, rows);
}

TailPlan::TailPlan(std::shared_ptr<const Network> network, int first, int batch)
    : batch_(batch), offsets_{0} {
  const int rows = round_up(batch, kWholeBlocks);
  const auto bytes = [&](const ValueShape& shape) {
    return round_up(shape.size() * rows * sizeof(float), 64);
  };
  for (std::size_t i = first; i < network->layers.size(); ++i) {
    const Layer& layer = network->layers[i];
    operations_.push_back(kernels::DenseOperation::fully_connected(fully_connected_shape(layer), rows,
                                                                   layer.weights.data(), layer.bias.data()));
    multiply_adds_.push_back(layer.macs() * rows);
    scratch_bytes_ = std::max(scratch_bytes_, operations_.back().scratch_bytes());
    offsets_.push_back(offsets_.back() + bytes(layer.in));
  }
  offsets_.push_back(offsets_.back() + bytes(network->layers.back().out));
}

std::size_t TailPlan::arena_bytes() const {
  return offsets_.back() + scratch_bytes_;
}

std::size_t TailPlan::weight_bytes() const {
  std::size_t bytes = 0;
  for (const auto& operation : operations_) bytes += operation.weight_bytes();
  return bytes;
}

const float* TailPlan::run(std::byte* arena, StepTime* steps) const {
  std::byte* scratch = arena + offsets_.back();
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    StepTime* step = steps != nullptr ? steps + i : nullptr;
    const StepTimer timer(step);
    operations_[i].run(reinterpret_cast<const float*>(arena + offsets_[i]),
                       reinterpret_cast<float*>(arena + offsets_[i + 1]), scratch);
    if (step != nullptr) step->multiply_adds += multiply_adds_[i];
  }
  return reinterpret_cast<const float*>(arena + offsets_[operations_.size()]);
}

}  // namespace backdrop
