/// \file
/// Where a GPU's decisions go: to the tasks' own arrays, there or back to be decided again, or to a sample.
#pragma once

#include <span>

#include "engine/cuda_tail.h"
#include "engine/screening.h"

namespace backdrop {

/// Writes each to its task. Throws failed for an output that is not a number. `tasks` must outlive what is
/// returned, as everything below.
DecisionSink write_to(std::span<const CompositeTask> tasks, int classes);

/// The same for what stands; `call` notes the rest.
DecisionSink judge_by(const Screening::Call& call, std::span<const CompositeTask> tasks, int classes);

/// Keeps all logits.
DecisionSink keep_in(SampleLogits& logits, int classes);

}  // namespace backdrop
