#include "engine/background_cache.h"

#include <algorithm>

#include "backdrop/error.h"
#include "core/rounding.h"

namespace backdrop {

using kernels::RowPointers;
using kernels::Source;

BackgroundCache::BackgroundCache(const PositionNetwork& network, int hand_off, std::size_t memory,
                                 ThreadPool& pool)
    : network_(network), hand_off_(hand_off), pool_(pool) {
  for (int v = 0; v <= hand_off; ++v) {
    value_offset_.push_back(block_bytes_);
    block_bytes_ += bytes_in_block(network.network().shape(v).size() * network.element_bytes(v));
  }
  for (int i = 0; i < hand_off; ++i) {
    const bool tiled = network.whole().tiles[i] != nullptr;
    tiles_.push_back(tiled ? whole_tile_list(network.network(), i, Source::background, network.rows())
                           : nullptr);
    lists_.push_back(tiles_.back()
                         ? PositionList()
                         : whole_layer_list(network.network(), i, Source::background, network.rows()));
  }
  const std::size_t fitting = memory / bytes_per_background();
  capacity_ = static_cast<int>(std::clamp<std::size_t>(fitting, network.rows().shallow, 1 << 20));
}

void BackgroundCache::clear(std::size_t backgrounds) {
  block_of_.assign(backgrounds, -1);
  owner_.assign(blocks_.size(), -1);
  used_.assign(blocks_.size(), 0);
}

void BackgroundCache::add_blocks() {
  const std::size_t had = blocks_.size();
  const std::size_t count = std::min<std::size_t>(block_of_.size(), capacity_);
  if (count <= had) return;
  const AlignedBuffer& arena = arenas_.emplace_back((count - had) * bytes_per_background());
  for (std::size_t i = 0; i < count - had; ++i) blocks_.push_back(arena.data() + i * bytes_per_background());
  owner_.resize(count, -1);
  used_.resize(count, 0);
}

void BackgroundCache::reserve() {
  add_blocks();
  pool_.run(blocks_.size(), [&](std::size_t block, int) {
    constexpr std::size_t kPage = 4096;
    if (owner_[block] >= 0) return;  // was touched when it was filled
    for (std::size_t offset = 0; offset < bytes_per_background(); offset += kPage)
      blocks_[block][offset] = std::byte{0};
  });
}

int BackgroundCache::take_block(std::uint64_t oldest_kept) {
  const int block = static_cast<int>(std::min_element(used_.begin(), used_.end()) - used_.begin());
  if (used_[block] >= oldest_kept)
    throw Error(ErrorCode::failed, "more backgrounds are needed at once than the cache holds");
  if (owner_[block] >= 0) block_of_[owner_[block]] = -1;
  return block;
}

void BackgroundCache::make_resident(std::span<const int> backgrounds, const std::vector<Image>& images) {
  try {
    fill_missing(backgrounds, images);
  } catch (...) {
    clear(block_of_.size());  // which blocks are filled is not known
    throw;
  }
}

void BackgroundCache::fill_missing(std::span<const int> backgrounds, const std::vector<Image>& images) {
  add_blocks();
  ++call_;
  std::vector<int> missing;
  for (const int background : backgrounds)
    if (block_of_[background] >= 0) used_[block_of_[background]] = call_;
  for (const int background : backgrounds) {
    if (block_of_[background] >= 0) continue;
    const int block = take_block(call_);
    block_of_[background] = block;
    owner_[block] = background;
    used_[block] = call_;
    missing.push_back(background);
  }
  fills_ += static_cast<std::int64_t>(missing.size());

  const std::size_t rows = network_.rows().shallow;
  std::vector<AlignedBuffer> scratch(pool_.threads());
  pool_.run(divide_up(missing.size(), rows), [&](std::size_t number, int worker) {
    if (scratch[worker].size() == 0) scratch[worker] = AlignedBuffer(network_.scratch_bytes());
    const std::size_t first = number * rows;
    const StepTimer timer(timer_);
    fill(std::span(missing).subspan(first, std::min(rows, missing.size() - first)), images,
         scratch[worker].data());
  });
}

void BackgroundCache::fill(std::span<const int> batch, const std::vector<Image>& images, std::byte* scratch) {
  const int rows = static_cast<int>(batch.size());
  const auto pointers = [&](int value) {
    RowPointers result;
    for (int r = 0; r < rows; ++r)
      result.rows[static_cast<int>(Source::background)][r] = this->value(batch[r], value);
    return result;
  };
  const auto written = [&](int value, int row) {
    return const_cast<std::byte*>(this->value(batch[row], value));
  };

  for (int r = 0; r < rows; ++r)
    network_.write_pixels(images[batch[r]].pixels.data(), nullptr, images[batch[r]].pixels.size() / 3,
                          written(0, r));
  for (int i = 0; i < hand_off_; ++i) {
    const Layer& layer = network_.network().layers[i];
    const RowPointers input = pointers(layer.input);
    const RowPointers residual = layer.residual >= 0 ? pointers(layer.residual) : RowPointers();
    void* output[kernels::kMaxRows];
    for (int r = 0; r < rows; ++r) output[r] = written(i + 1, r);
    const RowPointers* added = layer.residual >= 0 ? &residual : nullptr;
    if (tiles_[i])
      network_.run_tiles(i, *tiles_[i], rows, input, added, output, scratch);
    else
      network_.run_positions(i, lists_[i], rows, input, added, nullptr, output, scratch);
  }
}

std::size_t BackgroundCache::bytes() const {
  return blocks_.size() * bytes_per_background();
}

}  // namespace backdrop
