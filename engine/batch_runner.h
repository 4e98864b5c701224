/// \file
/// Runs a BatchPlan over composites and photos: pairs of all tasks in one row, cut into full batches, a batch
/// a thread.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/parallel.h"
#include "engine/batch_plan.h"
#include "engine/decision_writer.h"
#include "kernels/composite.h"

namespace backdrop {

class BatchRunner {
 public:
  /// `pool` must outlive the runner.
  BatchRunner(std::unique_ptr<BatchPlan> plan, const Normalization& normalization, ThreadPool& pool);

  void run(std::span<const CompositeTask> tasks, const std::vector<Image>& backgrounds,
           const LogitSink& sink);
  /// Logits [images.size()][classes].
  void run(std::span<const Image> images, int classes, float* logits);

  const BatchPlan& plan() const { return *plan_; }
  std::size_t workspace_bytes() const;
  /// Composites run so far.
  std::int64_t composites() const { return composites_; }

 private:
  /// This worker's arena, made on its first use.
  std::byte* arena(int worker);

  std::unique_ptr<BatchPlan> plan_;
  kernels::NormalizationTable table_;
  ThreadPool& pool_;
  std::vector<AlignedBuffer> arenas_;
  std::int64_t composites_ = 0;
};

}  // namespace backdrop
