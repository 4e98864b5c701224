#include "engine/cuda_sinks.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/decision_writer.h"

namespace backdrop {
namespace {

using kernels::DeviceDecision;

void write(const CompositeTask& task, std::size_t place, const DeviceDecision& decision, const float* logits,
           int classes) {
  if (std::isnan(decision.margin))
    throw not_a_number(" on background " + std::to_string(task.backgrounds[place]));
  if (task.predictions != nullptr) task.predictions[place] = static_cast<std::int16_t>(decision.prediction);
  if (task.margins != nullptr) task.margins[place] = decision.margin;
  if (task.logits != nullptr) std::copy_n(logits, classes, task.logits + place * classes);
}

}  // namespace

DecisionSink write_to(std::span<const CompositeTask> tasks, int classes) {
  return [tasks, classes](std::size_t t, std::size_t place, const DeviceDecision& decision,
                          const float* logits) { write(tasks[t], place, decision, logits, classes); };
}

DecisionSink judge_by(const Screening::Call& call, std::span<const CompositeTask> tasks, int classes) {
  return [&call, tasks, classes](std::size_t t, std::size_t place, const DeviceDecision& decision,
                                 const float* logits) {
    const Screening::Verdict verdict = call.judge(t, place, decision.gap);
    if (verdict == Screening::Verdict::stands) return write(tasks[t], place, decision, logits, classes);
    call.note({t, place, verdict == Screening::Verdict::audited ? decision.prediction : -1});
  };
}

DecisionSink keep_in(SampleLogits& logits, int classes) {
  return [&logits, classes](std::size_t t, std::size_t place, const DeviceDecision&, const float* values) {
    std::copy_n(values, classes, logits.at(t, place));
  };
}

}  // namespace backdrop
