#include "search/block_order.h"

#include <algorithm>
#include <numeric>

namespace backdrop {
namespace {

struct Reach {
  int first = 0;
  int last = 0;
};

Reach backgrounds_of(const Block& block) {
  Reach reach{block.pieces.front().backgrounds.front(), block.pieces.front().backgrounds.front()};
  for (const Piece& piece : block.pieces) {
    const auto [first, last] = std::minmax_element(piece.backgrounds.begin(), piece.backgrounds.end());
    reach = {std::min(reach.first, *first), std::max(reach.last, *last)};
  }
  return reach;
}

/// Parts of a lane: each has at most `resident` backgrounds, if neighbouring blocks have neighbouring ones.
std::size_t parts_of_lane(std::span<const Reach> blocks, std::size_t lanes, int resident) {
  if (resident <= 0 || blocks.empty()) return 1;
  Reach all = blocks.front();
  for (const Reach& block : blocks) all = {std::min(all.first, block.first), std::max(all.last, block.last)};
  const std::size_t at_once = lanes * static_cast<std::size_t>(resident);
  return (static_cast<std::size_t>(all.last - all.first) + at_once) / at_once;
}

}  // namespace

std::vector<std::vector<std::size_t>> deal_into_lanes(std::span<const Block* const> blocks, int lanes,
                                                      int resident) {
  std::vector<Reach> reach;
  std::size_t pairs = 0;
  for (const Block* block : blocks) {
    reach.push_back(backgrounds_of(*block));
    pairs += block->pairs;
  }
  std::vector<std::size_t> places(blocks.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return reach[a].first < reach[b].first; });

  std::vector<std::vector<std::size_t>> dealt(static_cast<std::size_t>(lanes));
  const std::size_t parts = parts_of_lane(reach, dealt.size(), resident) * dealt.size();
  std::size_t before = 0;
  std::vector<std::size_t> part_of(blocks.size());
  for (const std::size_t place : places) {
    // A block belongs where its middle lies.
    const std::size_t middle = before + blocks[place]->pairs / 2;
    part_of[place] = std::min(middle * parts / std::max<std::size_t>(pairs, 1), parts - 1);
    before += blocks[place]->pairs;
  }
  std::sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    return part_of[a] != part_of[b] ? part_of[a] < part_of[b] : a < b;
  });
  for (const std::size_t place : places) dealt[part_of[place] * dealt.size() / parts].push_back(place);
  return dealt;
}

}  // namespace backdrop
