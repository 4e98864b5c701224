/// \file
/// The features of resident backgrounds: for each, the values 0..hand_off as [position][channel], one block a
/// background. Blocks are filled once and replaced, least recently used first, when the memory is spent.
/// Their memory is taken before the search: a page's first touch costs up to as much as computing its
/// features. Blocks lie one behind the other: each on huge pages of its own would take more than its size.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "engine/position_network.h"
#include "engine/search_profile.h"
#include "loaders/image.h"

namespace backdrop {

/// What a value of so many bytes takes in a background's block: whole lines of the processor's cache.
constexpr std::size_t bytes_in_block(std::size_t value_bytes) {
  return round_up(value_bytes, 64);
}

class BackgroundCache {
 public:
  /// Caches the inputs of every layer up to `hand_off` in at most `memory` bytes (at least one batch of
  /// backgrounds). `network` and `pool` must outlive the cache.
  BackgroundCache(const PositionNetwork& network, int hand_off, std::size_t memory, ThreadPool& pool);

  /// Forgets everything: the indices mean other photos from now on.
  void clear(std::size_t backgrounds);

  /// Touches the memory for all of them, or as many as fit; without this call it is touched as they come.
  void reserve();

  /// Computes the features of those of `backgrounds` (at most capacity()) that are not resident. Where that
  /// throws, none is resident any more.
  void make_resident(std::span<const int> backgrounds, const std::vector<Image>& images);

  /// Adds the threads' time of filling to `step` from now on; null: nowhere.
  void set_timer(StepTime* step) { timer_ = step; }

  /// Value `value` of a resident background.
  const std::byte* value(int background, int value) const {
    return blocks_[block_of_[background]] + value_offset_[value];
  }

  /// The number of backgrounds that fit.
  int capacity() const { return capacity_; }
  std::size_t bytes_per_background() const { return block_bytes_; }
  std::size_t bytes() const;
  /// Backgrounds computed since the start: equal to their number if each was filled once.
  std::int64_t fills() const { return fills_; }

 private:
  /// As many as there are backgrounds, or fit.
  void add_blocks();
  int take_block(std::uint64_t oldest_kept);
  void fill_missing(std::span<const int> backgrounds, const std::vector<Image>& images);
  void fill(std::span<const int> batch, const std::vector<Image>& images, std::byte* scratch);

  const PositionNetwork& network_;
  int hand_off_;
  ThreadPool& pool_;
  std::vector<std::shared_ptr<const TileList>> tiles_;  // where the layer can be tiled, else
  std::vector<PositionList> lists_;        // every position of layers 0..hand_off - 1, from background inputs
  std::vector<std::size_t> value_offset_;  // in bytes
  std::size_t block_bytes_ = 0;
  int capacity_ = 0;

  std::vector<AlignedBuffer> arenas_;  // of the blocks
  std::vector<std::byte*> blocks_;
  std::vector<int> owner_;           // of each block: a background, or -1
  std::vector<std::uint64_t> used_;  // of each block: the call that used it last
  std::vector<int> block_of_;        // of each background: a block, or -1
  std::uint64_t call_ = 0;
  std::int64_t fills_ = 0;
  StepTime* timer_ = nullptr;
};

}  // namespace backdrop
