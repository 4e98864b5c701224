// The two plans of the plain order: all pairs, and up to each foreground's first fooling background.
#include "search/work_plan.h"

#include <algorithm>
#include <numeric>

#include "core/rounding.h"

namespace backdrop {
namespace {

std::vector<int> plain_order(int count) {
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// Backgrounds in plain order, cut into tiles.
class TiledOrder {
 public:
  explicit TiledOrder(const PlanShape& shape)
      : order_(plain_order(shape.backgrounds)),
        tile_(shape.tile > 0 ? static_cast<std::size_t>(shape.tile)
                             : std::max<std::size_t>(order_.size(), 1)) {}

  std::size_t size() const { return order_.size(); }
  std::size_t tile_end(std::size_t position) const {
    return std::min(order_.size(), (position / tile_ + 1) * tile_);
  }
  std::span<const int> range(std::size_t begin, std::size_t count) const {
    return std::span(order_).subspan(begin, count);
  }

 private:
  std::vector<int> order_;
  std::size_t tile_;
};

class AllPairsPlan : public WorkPlan {
 public:
  explicit AllPairsPlan(const PlanShape& shape)
      : order_(shape),
        foregrounds_(shape.foregrounds),
        piece_(round_up(shape.block_pairs(), static_cast<std::size_t>(shape.batch))) {}

  std::vector<Piece> next_wave() override {
    std::vector<Piece> pieces;
    if (tile_begin_ >= order_.size()) return pieces;
    const std::size_t end = order_.tile_end(tile_begin_);
    for (int foreground = 0; foreground < foregrounds_; ++foreground)
      for (std::size_t begin = tile_begin_; begin < end;) {
        std::size_t count = std::min(end - begin, piece_);
        // A foreground's own features are computed for each of its pieces: no small one for the rest.
        if (end - begin - count < count / 2) count = end - begin;
        pieces.push_back({foreground, order_.range(begin, count)});
        begin += count;
      }
    tile_begin_ = end;
    return pieces;
  }

  std::size_t finish(const Piece& piece, std::span<const std::uint8_t>, std::span<const float>) override {
    settled_ += piece.backgrounds.size();
    return piece.backgrounds.size();
  }

  std::size_t settled() const override { return settled_; }

 private:
  TiledOrder order_;
  int foregrounds_;
  std::size_t piece_;
  std::size_t tile_begin_ = 0;
  std::size_t settled_ = 0;
};

class FirstFoolingPlan : public WorkPlan {
 public:
  explicit FirstFoolingPlan(const PlanShape& shape)
      : shape_(shape), order_(shape), standing_(plain_order(shape.foregrounds)) {}

  std::vector<Piece> next_wave() override {
    std::erase_if(standing_, [](int foreground) { return foreground < 0; });
    begin_ += count_;
    count_ = 0;
    cursor_ = 0;
    std::vector<Piece> pieces;
    if (begin_ >= order_.size() || standing_.empty()) return pieces;
    count_ = std::min(wave_step(shape_, standing_.size(), begin_), order_.tile_end(begin_) - begin_);
    for (const int foreground : standing_) pieces.push_back({foreground, order_.range(begin_, count_)});
    return pieces;
  }

  std::size_t finish(const Piece& piece, std::span<const std::uint8_t> fooled,
                     std::span<const float>) override {
    int& foreground = standing_[cursor_++];
    const auto first =
        std::find_if(fooled.begin(), fooled.end(), [](std::uint8_t is_fooled) { return is_fooled; });
    if (first == fooled.end()) {
      settled_ += piece.backgrounds.size();
      return piece.backgrounds.size();
    }
    foreground = -1;
    settled_ += order_.size() - begin_;
    return static_cast<std::size_t>(first - fooled.begin()) + 1;
  }

  std::size_t settled() const override { return settled_; }

 private:
  PlanShape shape_;
  TiledOrder order_;
  std::vector<int> standing_;  // not fooled yet; -1: fooled in this wave
  std::size_t cursor_ = 0;     // the next of them to be reported
  std::size_t begin_ = 0;      // the wave's backgrounds: [begin_, begin_ + count_)
  std::size_t count_ = 0;
  std::size_t settled_ = 0;
};

}  // namespace

std::size_t PlanShape::block_pairs() const {
  constexpr std::size_t kFills = 8;
  constexpr std::size_t kFewest = 128;
  return std::max(kFills * static_cast<std::size_t>(fill), kFewest);
}

// What lies behind a foreground's fooling background inside its piece is computed in vain, so a step is a
// quarter of the way survived so far and no longer than a batch, if that is a long one: a foreground's lists
// are made for each of its pieces. Short batches (of engines whose batch is one foreground's) are full, and
// the foregrounds left keep the whole engine busy.
std::size_t wave_step(const PlanShape& shape, std::size_t standing, std::size_t seen) {
  constexpr std::size_t kLongStep = 64;
  const std::size_t longest = std::max(static_cast<std::size_t>(shape.batch), kLongStep);
  const std::size_t patient = std::min(seen / 4, longest);
  const std::size_t busy = static_cast<std::size_t>(shape.fill) / standing;
  const std::size_t batch = std::min(static_cast<std::size_t>(shape.batch), kLongStep);
  // Many foregrounds fall to their first few backgrounds: half batches, while nothing has been learned.
  const std::size_t unit = seen < 2 * batch ? std::max<std::size_t>(batch / 2, 1) : batch;
  return round_up(std::max({patient, busy, std::size_t{1}}), unit);
}

std::unique_ptr<WorkPlan> plan_all_pairs(const PlanShape& shape) {
  return std::make_unique<AllPairsPlan>(shape);
}

std::unique_ptr<WorkPlan> plan_first_fooling(const PlanShape& shape) {
  return std::make_unique<FirstFoolingPlan>(shape);
}

}  // namespace backdrop
