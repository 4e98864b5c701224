#include "engine/decision_writer.h"

#include <algorithm>
#include <cmath>

#include "kernels/decide.h"

namespace backdrop {

Error not_a_number(const std::string& place, const std::string& file) {
  return {
      ErrorCode::failed,
      "the network's output is not a number" + place + ": its weights overflow fp32; check the checkpoint",
      file};
}

std::optional<int> predicted_class(std::span<const float> logits) {
  if (std::any_of(logits.begin(), logits.end(), [](float logit) { return std::isnan(logit); })) return {};
  return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

DecisionWriter::DecisionWriter(const ClassMap& map, int classes) : in9_(map.in9) {
  if (static_cast<int>(in9_.size()) != classes)
    throw Error(ErrorCode::usage, "the class map has " + std::to_string(in9_.size()) +
                                      " classes and the network " + std::to_string(classes));
}

void DecisionWriter::write(const CompositeTask& task, std::size_t index, const float* logits) const {
  const kernels::Decision decision = kernels::decide(logits, classes(), in9_.data(), task.label);
  if (std::isnan(decision.margin))
    throw not_a_number(" on background " + std::to_string(task.backgrounds[index]));
  if (task.predictions != nullptr) task.predictions[index] = decision.prediction;
  if (task.margins != nullptr) task.margins[index] = decision.margin;
  if (task.logits != nullptr) std::copy_n(logits, classes(), task.logits + index * in9_.size());
}

}  // namespace backdrop
