#include "search/rank_work.h"

namespace backdrop {

void RankWork::take_counts(const Engine& engine) {
  multiply_adds = engine.multiply_adds();
  background_fills = engine.background_fills();
  if (const auto screening = engine.screening()) again_seconds = screening->again_seconds;
}

}  // namespace backdrop
