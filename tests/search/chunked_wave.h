/// \file
/// The wave of a search over all pairs, as blocks of one piece.
#pragma once

#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "search/block.h"

namespace backdrop::testing {

/// All foregrounds on `chunks` chunks of backgrounds, foreground after foreground, as the plan of all pairs.
class ChunkedWave {
 public:
  ChunkedWave(int foregrounds, int chunks, int chunk)
      : backgrounds_(static_cast<std::size_t>(chunks * chunk)) {
    std::iota(backgrounds_.begin(), backgrounds_.end(), 0);
    for (int f = 0; f < foregrounds; ++f)
      for (int c = 0; c < chunks; ++c)
        blocks_.push_back({.number = blocks_.size(),
                           .pieces = {{f, std::span(backgrounds_).subspan(c * chunk, chunk)}},
                           .pairs = static_cast<std::size_t>(chunk)});
    for (const Block& block : blocks_) pointers_.push_back(&block);
  }

  std::span<const Block* const> blocks() const { return pointers_; }

 private:
  std::vector<int> backgrounds_;
  std::vector<Block> blocks_;
  std::vector<const Block*> pointers_;
};

}  // namespace backdrop::testing
