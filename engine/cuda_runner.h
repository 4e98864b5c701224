/// \file
/// How one GPU classifies composites in the precision asked for: by exact reuse or on the dense path, in the
/// memory that is free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/cuda_backgrounds.h"
#include "engine/cuda_dense.h"
#include "engine/cuda_dense_layers.h"
#include "engine/cuda_device.h"
#include "engine/cuda_layers.h"
#include "engine/cuda_recheck.h"
#include "engine/cuda_reuse.h"
#include "engine/engine_options.h"

namespace backdrop {

class CudaRunner {
 public:
  /// All must outlive it. `in9` is the class map, on the device. Leaves memory for what `recheck` has not
  /// made yet.
  CudaRunner(const CudaLayers& layers, const std::int32_t* in9, const EngineOptions& options,
             const CudaDevice& device, const CudaRecheck& recheck, PlanFolder& plans);

  /// Other photos, on the device; they must outlive their use. Their run is not known yet.
  void set_photos(const CudaPhotos& photos);
  /// The masks of the run to come: how much of each background to cache is chosen by them.
  void set_run(std::span<const Mask* const> masks);
  /// The same from the first tasks, where nobody said it before.
  void set_run(std::span<const CompositeTask> tasks);
  /// Makes what `run` needs and is not there yet. The weights must be; tile() and hand_off() are then.
  void make();
  /// The layers' weights are others: what was made for the old ones goes.
  void forget_weights();
  void set_profile(SearchProfile* profile);

  void run(std::span<const CompositeTask> tasks, const DecisionSink& sink);

  /// Runs `body` again with half of the cache, and half again, while the device has no memory left.
  template <class Body>
  void retry_in_less_memory(const Body& body) {
    while (true) {
      try {
        return body();
      } catch (const DeviceMemoryError&) {
        if (!halve_cache()) throw;
      }
    }
  }

  int rows() const { return rows_; }
  /// As Engine's.
  int tile() const { return reuse_ ? reuse_->cache().capacity() : 0; }
  std::optional<int> hand_off() const;
  std::int64_t multiply_adds() const;
  std::size_t workspace_bytes() const;
  /// ", cuDNN 9.19.0 for 40 of 53 convolutions", as far as it is known.
  std::string libraries() const;

 private:
  int rows_for_memory() const;
  std::size_t cache_memory() const;
  int list_makers() const;
  void make_reuse();
  void make_dense();
  void drop_reuse();
  void drop_dense();
  bool halve_cache();

  const CudaLayers& layers_;
  const std::int32_t* in9_;
  const EngineOptions& options_;
  const CudaDevice& device_;
  const CudaRecheck& recheck_;
  PlanFolder& plans_;
  int rows_;
  const CudaPhotos* photos_ = nullptr;
  std::vector<Mask> masks_;      // of the run to come, some of them
  std::size_t foregrounds_ = 0;  // how many it has
  SearchProfile* profile_ = nullptr;
  std::optional<CudaDenseLayers> whole_;  // of reuse_
  std::optional<CudaReuse> reuse_;
  std::optional<CudaDense> dense_;
  std::size_t cache_limit_ = 0;             // after the device ran out of memory
  std::int64_t earlier_multiply_adds_ = 0;  // by runners that were replaced
};

}  // namespace backdrop
