/// \file
/// Takes each composite's logits to the arrays that its task names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backdrop/error.h"
#include "engine/composite_task.h"
#include "loaders/class_map.h"

namespace backdrop {

/// Where logits of composites go.
class LogitSink {
 public:
  virtual ~LogitSink() = default;

  /// The logits of `task`'s composite with its `index`-th background, from any thread.
  virtual void write(const CompositeTask& task, std::size_t index, const float* logits) const = 0;
  virtual int classes() const = 0;
};

/// What to throw for logits of which one is not a number: "... output is not a number on background 3: ...",
/// or, without `place`, those of the photo `file`.
Error not_a_number(const std::string& place, const std::string& file = {});

/// The class of the largest logit, the lowest among equal ones; none if a logit is not a number.
std::optional<int> predicted_class(std::span<const float> logits);

/// Copied class map and class count; `write` may be called from many threads for different composites.
class DecisionWriter final : public LogitSink {
 public:
  DecisionWriter(const ClassMap& map, int classes);

  /// Throws failed if a logit is not a number.
  void write(const CompositeTask& task, std::size_t index, const float* logits) const override;
  int classes() const override { return static_cast<int>(in9_.size()); }

 private:
  std::vector<int> in9_;
};

}  // namespace backdrop
