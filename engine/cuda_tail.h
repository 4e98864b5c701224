/// \file
/// From the value that the fully connected layers read to decisions on the host.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/cuda_layers.h"
#include "engine/cuda_step_clock.h"
#include "kernels/cuda_decision.h"

namespace backdrop {

/// Called once for each composite: the task's index, the background's place in the task, what was decided,
/// and the logits if the task asked for them (else null).
using DecisionSink =
    std::function<void(std::size_t task, std::size_t place, const kernels::DeviceDecision&, const float*)>;

/// The fully connected layers for batches of up to `batch` images, and their buffers.
class CudaTail {
 public:
  CudaTail(const CudaLayers& layers, int batch);

  /// Where the layers before write, [batch][H][W][C].
  void* input() const { return values_.front().data(); }
  /// Enqueues the layers. The logits are [rows][stride()].
  void run(int rows, cudaStream_t stream, CudaStepClock& clock) const;
  const float* logits() const { return values_.back().as<float>(); }
  int stride() const { return stride_; }
  std::size_t bytes() const;

 private:
  const CudaLayers& layers_;
  int stride_;
  std::vector<DeviceBuffer> values_;
};

/// Decisions, and logits where wanted, of a run of composites, on the device and then on the host.
class CudaDecisions {
 public:
  /// Makes room; the results before must have been taken.
  void reserve(std::size_t composites, const CudaTail& tail, bool with_logits);
  /// Decides `rows` composites from `first` on and copies them to the host, behind the stream's work.
  void decide(const CudaTail& tail, int classes, const std::int32_t* in9, const std::int32_t* labels,
              std::size_t first, int rows, cudaStream_t stream);

  /// Valid when the stream has come that far.
  const kernels::DeviceDecision& decision(std::size_t i) const {
    return host_.as<kernels::DeviceDecision>()[i];
  }
  const float* logits(std::size_t i) const {
    return with_logits_ ? host_logits_.as<float>() + i * stride_ : nullptr;
  }

 private:
  DeviceBuffer device_;
  PinnedBuffer host_;
  PinnedBuffer host_logits_;
  bool with_logits_ = false;
  int stride_ = 0;
};

}  // namespace backdrop
