/// \file
/// The dense path on the GPU: every position of every composite, in full batches.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/composite_task.h"
#include "engine/cuda_backgrounds.h"
#include "engine/cuda_dense_layers.h"

namespace backdrop {

class CudaDense {
 public:
  /// As CudaDenseLayers. `in9` is the class map, on the device.
  CudaDense(const CudaLayers& layers, const std::int32_t* in9, int batch, const GpuWays& without,
            PlanFolder& plans);

  void run(std::span<const CompositeTask> tasks, const CudaPhotos& backgrounds, const DecisionSink& sink);
  /// Logits [images.size()][classes].
  void run(std::span<const Image> images, float* logits);

  /// As Engine::set_profile.
  void set_profile(SearchProfile* profile) { clock_.set_profile(profile); }

  int batch() const { return all_.batch(); }
  /// As Engine::multiply_adds.
  std::int64_t multiply_adds() const { return composites_ * layers_.multiply_adds(); }
  std::size_t workspace_bytes() const { return all_.workspace_bytes() + upload_.bytes(); }
  /// As CudaDenseLayers::libraries.
  std::string libraries() const { return all_.libraries(0); }

 private:
  struct Pair {
    std::size_t task;
    std::size_t place;
  };

  void run_pairs(std::span<const CompositeTask> tasks, std::span<const Pair> pairs,
                 const CudaPhotos& backgrounds, const DecisionSink& sink);

  const CudaLayers& layers_;
  const std::int32_t* in9_;
  CudaDenseLayers all_;
  CudaDecisions decisions_;
  CudaStepClock clock_;
  Upload upload_;
  std::int64_t composites_ = 0;
};

}  // namespace backdrop
