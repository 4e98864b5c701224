/// \file
/// Takes each composite's logits to the arrays that its task names.
#pragma once

#include "engine/engine.h"

namespace backdrop {

/// Copied class map and class count; `write` may be called from many threads for different composites.
class DecisionWriter {
 public:
  DecisionWriter(const ClassMap& map, int classes);

  /// The logits of `task`'s composite with its `index`-th background. Throws failed if one is not a number.
  void write(const CompositeTask& task, std::size_t index, const float* logits) const;
  int classes() const { return static_cast<int>(in9_.size()); }

 private:
  std::vector<int> in9_;
};

}  // namespace backdrop
