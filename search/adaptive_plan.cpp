// Foregrounds until they are fooled, likely backgrounds first.
//
// The foregrounds still standing advance in waves. Before each wave the backgrounds of the tile are ranked
// for each class of foregrounds (background_ranking.h), and every foreground takes the best ones that it has
// not seen. Where scores are equal, above all in the first wave, foregrounds start at different places, so
// that together they try all backgrounds early. Tiles mix the classes of the backgrounds evenly. A foreground
// that is never fooled has met every background at the end, so the vulnerable foregrounds are those of any
// order.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "search/background_ranking.h"
#include "search/work_plan.h"

namespace backdrop {
namespace {

/// The backgrounds, the first of each class, then the second of each, and so on.
std::vector<int> mixed_order(const std::vector<int>& labels) {
  std::vector<int> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<int> rank_in_class(labels.size());
  std::vector<int> seen;
  for (std::size_t b = 0; b < labels.size(); ++b) {
    const auto label = static_cast<std::size_t>(labels[b]);
    if (label >= seen.size()) seen.resize(label + 1);
    rank_in_class[b] = seen[label]++;
  }
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const auto key = [&](int i) {
      return std::tuple(rank_in_class[static_cast<std::size_t>(i)], labels[static_cast<std::size_t>(i)], i);
    };
    return key(a) < key(b);
  });
  return order;
}

/// Numbers the labels in use without gaps, in their order: of a thousand classes a search may have a few.
void close_gaps(std::vector<int>& foreground_labels, std::vector<int>& background_labels) {
  std::vector<int> used = foreground_labels;
  used.insert(used.end(), background_labels.begin(), background_labels.end());
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (std::vector<int>* labels : {&foreground_labels, &background_labels})
    for (int& label : *labels)
      label = static_cast<int>(std::lower_bound(used.begin(), used.end(), label) - used.begin());
}

class AdaptivePlan : public WorkPlan {
 public:
  AdaptivePlan(const PlanShape& shape, std::vector<int> foreground_labels, std::vector<int> background_labels)
      : shape_(shape),
        foreground_labels_(foreground_labels),
        order_(mixed_order(background_labels)),
        tile_(shape.tile > 0 ? static_cast<std::size_t>(shape.tile)
                             : std::max<std::size_t>(order_.size(), 1)),
        ranking_(std::move(foreground_labels), std::move(background_labels)),
        standing_(static_cast<std::size_t>(shape.foregrounds)),
        seen_(standing_.size() * order_.size()) {
    std::iota(standing_.begin(), standing_.end(), 0);
  }

  std::vector<Piece> next_wave() override {
    std::erase_if(standing_, [](int foreground) { return foreground < 0; });
    passed_ += step_;
    step_ = 0;
    cursor_ = 0;
    std::vector<Piece> pieces;
    if (passed_ >= order_.size() || standing_.empty()) return pieces;
    const std::size_t tile_begin = passed_ / tile_ * tile_;
    const auto tile = std::span(order_).subspan(tile_begin, std::min(tile_, order_.size() - tile_begin));
    step_ = std::min(wave_step(shape_, standing_.size(), passed_), tile_begin + tile.size() - passed_);
    wave_.resize(standing_.size() * step_);
    rank(tile);
    for (std::size_t i = 0; i < standing_.size(); ++i) {
      const auto room = std::span(wave_).subspan(i * step_, step_);
      choose(standing_[i], i * step_ % tile.size(), room);
      pieces.push_back({standing_[i], room});
    }
    return pieces;
  }

  std::size_t finish(const Piece& piece, std::span<const std::uint8_t> fooled,
                     std::span<const float> margins) override {
    int& foreground = standing_[cursor_++];
    ranking_.learn(piece.foreground, piece.backgrounds, margins);
    settled_ += piece.backgrounds.size();
    if (std::find(fooled.begin(), fooled.end(), 1) != fooled.end()) {
      foreground = -1;
      settled_ += order_.size() - passed_ - step_;
    }
    return piece.backgrounds.size();
  }

  std::size_t settled() const override { return settled_; }

 private:
  struct Ranked {
    double score;
    std::size_t place;  // in the tile
    int background;
  };

  /// Sorts the tile's backgrounds for each class of foregrounds.
  void rank(std::span<const int> tile) {
    ranked_.assign(static_cast<std::size_t>(ranking_.classes()), {});
    for (std::size_t label = 0; label < ranked_.size(); ++label) {
      std::vector<Ranked>& row = ranked_[label];
      for (std::size_t i = 0; i < tile.size(); ++i)
        row.push_back({ranking_.score(static_cast<int>(label), tile[i]), i, tile[i]});
      std::sort(row.begin(), row.end(), [](const Ranked& a, const Ranked& b) {
        return std::tuple(a.score, a.place) < std::tuple(b.score, b.place);
      });
    }
  }

  /// Takes the best unseen backgrounds; those of equal scores from place `start` of the tile on.
  void choose(int foreground, std::size_t start, std::span<int> chosen) {
    const auto label = static_cast<std::size_t>(foreground_labels_[static_cast<std::size_t>(foreground)]);
    const std::vector<Ranked>& row = ranked_[label];
    std::size_t count = 0;
    for (std::size_t begin = 0; begin < row.size() && count < chosen.size();) {
      std::size_t end = begin + 1;
      while (end < row.size() && row[end].score == row[begin].score) ++end;
      const auto from = std::find_if(row.begin() + static_cast<std::ptrdiff_t>(begin),
                                     row.begin() + static_cast<std::ptrdiff_t>(end),
                                     [start](const Ranked& ranked) { return ranked.place >= start; });
      const std::size_t turn = static_cast<std::size_t>(from - row.begin()) - begin;
      for (std::size_t i = 0; i < end - begin && count < chosen.size(); ++i) {
        const int background = row[begin + (turn + i) % (end - begin)].background;
        if (take(foreground, background)) chosen[count++] = background;
      }
      begin = end;
    }
  }

  /// Whether the foreground had not seen the background; now it has.
  bool take(int foreground, int background) {
    const std::size_t pair =
        static_cast<std::size_t>(foreground) * order_.size() + static_cast<std::size_t>(background);
    if (seen_[pair]) return false;
    seen_[pair] = true;
    return true;
  }

  PlanShape shape_;
  std::vector<int> foreground_labels_;
  std::vector<int> order_;  // backgrounds; tiles are consecutive parts of it
  std::size_t tile_;
  BackgroundRanking ranking_;
  std::vector<int> standing_;  // not fooled yet; -1: fooled in this wave
  std::vector<bool> seen_;     // [F][B]
  std::vector<std::vector<Ranked>> ranked_;
  std::vector<int> wave_;   // [standing][step]: the backgrounds of the wave under way
  std::size_t step_ = 0;    // of each foreground
  std::size_t passed_ = 0;  // backgrounds that all standing foregrounds have seen
  std::size_t cursor_ = 0;  // the next of standing_ to be reported
  std::size_t settled_ = 0;
};

}  // namespace

std::unique_ptr<WorkPlan> plan_adaptive(const PlanShape& shape, std::vector<int> foreground_labels,
                                        std::vector<int> background_labels) {
  close_gaps(foreground_labels, background_labels);
  return std::make_unique<AdaptivePlan>(shape, std::move(foreground_labels), std::move(background_labels));
}

}  // namespace backdrop
