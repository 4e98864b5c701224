/// \file
/// Exact reuse on the GPU: for each foreground only the mixed positions are computed, for a batch of
/// backgrounds at a time (engine/reuse_runner.h is the same on the CPU). Where nothing is left to reuse,
/// whole images go on in the ways of the dense path.
///
/// While the device computes one foreground, the host makes the lists of the next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/composite_task.h"
#include "engine/cuda_backgrounds.h"
#include "engine/cuda_dense_layers.h"
#include "engine/cuda_layers.h"
#include "engine/cuda_pass.h"
#include "engine/cuda_stream.h"
#include "engine/cuda_tail.h"

namespace backdrop {

struct CudaReuseOptions {
  int hand_off = 0;              ///< the first layer whose every position is computed
  std::size_t cache_memory = 0;  ///< bytes for cached background features
  int list_makers = 1;           ///< threads that make lists of further foregrounds
};

class CudaReuse {
 public:
  /// Batches are those of `whole`, the layers that go on behind the hand-off. It, `photos` and its layers
  /// must outlive the runner. `in9` is the class map, on the device.
  CudaReuse(CudaDenseLayers& whole, const CudaPhotos& photos, const std::int32_t* in9,
            const CudaReuseOptions& options);
  ~CudaReuse();

  void run(std::span<const CompositeTask> tasks, const DecisionSink& sink);

  /// As Engine::set_profile.
  void set_profile(SearchProfile* profile);

  const CudaCache& cache() const { return cache_; }
  int hand_off() const { return hand_off_; }
  /// As Engine::multiply_adds.
  std::int64_t multiply_adds() const { return multiply_adds_; }
  std::size_t workspace_bytes() const;
  /// As CudaDenseLayers::libraries, of the layers that compute whole images; empty if there are none.
  std::string libraries() const {
    return rows_.cut < layers_.position_layers() ? whole_.libraries(rows_.cut) : std::string();
  }

 private:
  struct Pass;

  void run_resident(std::span<const CompositeTask> tasks, const std::vector<std::vector<std::size_t>>& chosen,
                    const DecisionSink& sink);
  void start(Pass& pass, const CompositeTask& task);
  std::vector<std::int32_t> slots_of(const CompositeTask& task, std::span<const std::size_t> places) const;
  void run_foreground(const Pass& pass);
  void run_batch(Pass& pass, std::size_t first, int rows);
  kernels::DeviceRows rows_of(const Pass& pass, int value, std::size_t first) const;
  // Of a layer's mixed positions.
  std::int64_t multiply_adds(const PackedForeground::LayerWork& work, int index, int rows) const;
  void deliver(Pass& pass, const DecisionSink& sink);

  CudaDenseLayers& whole_;
  const CudaLayers& layers_;
  const CudaPhotos& photos_;
  const std::int32_t* in9_;
  BatchRows rows_;
  int hand_off_;
  int list_makers_;
  CudaCache cache_;
  WholeLists whole_mixed_;  // positions only: tiles are the CPU's
  DeviceBuffer whole_mixed_lists_;
  std::vector<kernels::DeviceWork> whole_mixed_work_;
  DeviceBuffer arena_;
  CudaStream copies_;
  const CudaStream& stream_;
  CudaStepClock clock_;
  std::unique_ptr<Pass> passes_[2];
  std::int64_t multiply_adds_ = 0;
};

}  // namespace backdrop
