// The two plans: all pairs, and up to each foreground's first fooling background.
#include "search/work_plan.h"

#include <algorithm>
#include <numeric>

namespace backdrop {
namespace {

std::vector<int> plain_order(int count) {
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
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
      : order_(shape), foregrounds_(shape.foregrounds), batch_(static_cast<std::size_t>(shape.batch)) {}

  std::vector<Piece> next(std::size_t pairs) override {
    std::vector<Piece> pieces;
    std::size_t taken = 0;
    while (tile_begin_ < order_.size() && foreground_ < foregrounds_) {
      const std::size_t end = order_.tile_end(tile_begin_);
      const std::size_t room = (pairs > taken ? pairs - taken : 0) / batch_ * batch_;
      if (room == 0 && !pieces.empty()) break;
      std::size_t count = std::min(end - position_, std::max(room, batch_));
      // A foreground's own features are computed for each of its pieces: no small one for the rest of the
      // tile.
      if (end - position_ - count < count / 2) count = end - position_;
      pieces.push_back({foreground_, order_.range(position_, count)});
      taken += count;
      advance(count, end);
    }
    return pieces;
  }

  std::size_t finish(const Piece& piece, std::span<const std::uint8_t>) override {
    settled_ += piece.backgrounds.size();
    return piece.backgrounds.size();
  }

  std::size_t settled() const override { return settled_; }

 private:
  void advance(std::size_t count, std::size_t tile_end) {
    position_ += count;
    if (position_ < tile_end) return;
    position_ = tile_begin_;
    if (++foreground_ < foregrounds_) return;
    foreground_ = 0;
    tile_begin_ = position_ = tile_end;
  }

  TiledOrder order_;
  int foregrounds_;
  std::size_t batch_;
  std::size_t tile_begin_ = 0;
  std::size_t position_ = 0;  // the next background, inside the tile
  int foreground_ = 0;
  std::size_t settled_ = 0;
};

class FirstFoolingPlan : public WorkPlan {
 public:
  explicit FirstFoolingPlan(const PlanShape& shape)
      : order_(shape),
        batch_(static_cast<std::size_t>(shape.batch)),
        fill_(static_cast<std::size_t>(shape.fill)),
        standing_(static_cast<std::size_t>(shape.foregrounds), 1) {}

  std::vector<Piece> next(std::size_t pairs) override {
    if (cursor_ == wave_.size()) start_wave();
    std::vector<Piece> pieces;
    for (std::size_t taken = 0; cursor_ < wave_.size() && (pieces.empty() || taken + count_ <= pairs);
         taken += count_)
      pieces.push_back({wave_[cursor_++], order_.range(begin_, count_)});
    return pieces;
  }

  std::size_t finish(const Piece& piece, std::span<const std::uint8_t> fooled) override {
    const auto first =
        std::find_if(fooled.begin(), fooled.end(), [](std::uint8_t is_fooled) { return is_fooled; });
    if (first == fooled.end()) {
      settled_ += piece.backgrounds.size();
      return piece.backgrounds.size();
    }
    standing_[static_cast<std::size_t>(piece.foreground)] = 0;
    settled_ += order_.size() - begin_;
    return static_cast<std::size_t>(first - fooled.begin()) + 1;
  }

  std::size_t settled() const override { return settled_; }

 private:
  void start_wave() {
    begin_ += count_;
    count_ = 0;
    cursor_ = 0;
    wave_.clear();
    if (begin_ >= order_.size()) return;
    for (std::size_t f = 0; f < standing_.size(); ++f)
      if (standing_[f]) wave_.push_back(static_cast<int>(f));
    if (!wave_.empty()) count_ = std::min(step(), order_.tile_end(begin_) - begin_);
  }

  /// Backgrounds to advance by. What lies behind a foreground's fooling background inside its piece is
  /// computed in vain, so a step is a quarter of the way survived so far and short, but it is whole batches
  /// (of engines whose batch is one foreground's) and long enough that the foregrounds left keep the whole
  /// engine busy.
  std::size_t step() const {
    constexpr std::size_t kLongestStep = 64;
    const std::size_t patient = std::min(begin_ / 4, kLongestStep);
    const std::size_t busy = fill_ / wave_.size();
    return round_up(std::max({patient, busy, std::size_t{1}}), std::min(batch_, kLongestStep));
  }

  TiledOrder order_;
  std::size_t batch_;
  std::size_t fill_;
  std::vector<std::uint8_t> standing_;
  std::vector<int> wave_;   // foregrounds of the wave under way
  std::size_t cursor_ = 0;  // the next of them to hand out
  std::size_t begin_ = 0;   // the wave's backgrounds: [begin_, begin_ + count_)
  std::size_t count_ = 0;
  std::size_t settled_ = 0;
};

}  // namespace

std::unique_ptr<WorkPlan> plan_all_pairs(const PlanShape& shape) {
  return std::make_unique<AllPairsPlan>(shape);
}

std::unique_ptr<WorkPlan> plan_first_fooling(const PlanShape& shape) {
  return std::make_unique<FirstFoolingPlan>(shape);
}

}  // namespace backdrop
