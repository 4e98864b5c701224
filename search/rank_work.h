/// \file
/// What one process did for a search, for the result's account of it.
#pragma once

#include <cstdint>

#include "engine/engine.h"

namespace backdrop {

struct RankWork {
  std::int64_t blocks = 0;
  std::int64_t composites = 0;
  std::int64_t multiply_adds = 0;     ///< of its engine
  std::int64_t background_fills = 0;  ///< backgrounds whose features it computed for its cache
  double again_seconds = 0;           ///< below fp32: what deciding again and the audit took

  /// The engine's counts so far, in place of those here; blocks and composites are the caller's to count.
  void take_counts(const Engine& engine);
};

}  // namespace backdrop
