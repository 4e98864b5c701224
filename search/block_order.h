/// \file
/// In which order, and on which of several processes, the blocks of a wave are computed. Blocks that follow
/// each other share backgrounds, whose features an engine keeps.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "search/block.h"

namespace backdrop {

/// Places of `blocks`, [lanes][about the same number of pairs]: neighbouring backgrounds in one lane. A lane
/// keeps the order of `blocks`, in which pieces of one foreground follow each other, unless it has more
/// backgrounds than the `resident` ones that a process keeps (0: no limit): then it goes part by part.
std::vector<std::vector<std::size_t>> deal_into_lanes(std::span<const Block* const> blocks, int lanes,
                                                      int resident);

}  // namespace backdrop
