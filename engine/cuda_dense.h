/// \file
/// The dense path on the GPU: every position of every composite, in full batches. Bottlenecks run as one
/// kernel, or a chain of them does, where that was the fastest in a measurement.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/cuda_backgrounds.h"
#include "engine/cuda_bottlenecks.h"
#include "engine/cuda_graph.h"
#include "engine/cuda_layers.h"
#include "engine/cuda_tail.h"
#include "engine/gpu_ways.h"
#include "engine/measured_plan.h"
#include "engine/memory_plan.h"
#include "kernels/cudnn_cuda.h"

namespace backdrop {

class CudaDense {
 public:
  /// `layers` must outlive the runner. Each convolution is timed once as our kernel and as cuDNN's (where the
  /// library is there), and the fastest is kept; `plans` is asked first what was the faster before, and told
  /// what is. What `without` has is neither tried nor used.
  CudaDense(const CudaLayers& layers, const std::int32_t* in9, int batch, const GpuWays& without,
            PlanFolder& plans);

  void run(std::span<const CompositeTask> tasks, const CudaPhotos& backgrounds, const DecisionSink& sink);
  /// Logits [images.size()][classes].
  void run(std::span<const Image> images, float* logits);

  /// As Engine::set_profile.
  void set_profile(SearchProfile* profile) { clock_.set_profile(profile); }

  int batch() const { return batch_; }
  std::int64_t composites() const { return composites_; }
  std::size_t workspace_bytes() const;
  /// "cuDNN 9.19.0 for 40 of 53 convolutions", or why not.
  std::string libraries() const;

 private:
  struct Pair {
    std::size_t task;
    std::size_t place;
  };

  // engine/cuda_dense_plan.cpp: which ways to compute.
  void choose(PlanFolder& plans);
  void choose_convolutions();
  void choose_chains();
  bool follow(const MeasuredPlan& plan);
  bool take(const MeasuredPlan::Convolution& known);
  bool take(const MeasuredPlan::Chain& known);
  MeasuredPlan plan() const;
  void clear_activations();
  void run_layer(int index, int rows);
  kernels::CudnnWays cudnn_ways(int index) const;
  std::unique_ptr<kernels::CudnnConvolution> take(const kernels::CudnnWays& ways, int way, int index) const;
  bool can_start(const CudaChain& chain);
  double milliseconds(const std::function<void()>& run);
  double milliseconds(const CudaChain& chain);
  cudaError_t start(const CudaChain& chain, int rows);
  void run_network(int rows);
  void run_layers(int rows);
  void run_pairs(std::span<const CompositeTask> tasks, std::span<const Pair> pairs,
                 const CudaPhotos& backgrounds, const DecisionSink& sink);
  void* value(int v) const;

  const CudaLayers& layers_;
  const std::int32_t* in9_;
  int batch_;
  GpuWays without_;
  MemoryPlan plan_;  // of values 0 .. position_layers() - 1, in bytes
  DeviceBuffer arena_;
  DeviceBuffer workspace_;
  CudaTail tail_;
  CudaDecisions decisions_;
  CudaStream stream_;
  CudaStepClock clock_;
  CudaGraphs graphs_;  // of run_layers
  Upload upload_;
  std::shared_ptr<kernels::Cudnn> cudnn_;
  std::vector<std::unique_ptr<kernels::CudnnConvolution>> convolutions_;  // null: our kernel
  std::vector<std::unique_ptr<CudaChain>> chains_;  // by their first layer; null: layer by layer
  std::string no_cudnn_;                            // what there is instead, for people
  std::int64_t composites_ = 0;
};

}  // namespace backdrop
