#include "engine/fastest_engine.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "backdrop/error.h"
#include "core/clock.h"
#include "engine/screening.h"

namespace backdrop {
namespace {

// Long beside a call's beginning and end (Engine::fill).
constexpr std::size_t kTimedFills = 4;

void go_on(const StopAsked& stop) {
  if (stop && stop()) throw Error(ErrorCode::interrupted, "interrupted while choosing a precision");
}

// About `count` composites of a run, of tasks evenly spaced, on no more than `most` backgrounds; nobody hears
// of their answers.
std::vector<CompositeTask> timed_part(std::span<const CompositeTask> run, std::size_t count,
                                      std::size_t most) {
  const std::size_t each = std::max<std::size_t>(1, std::min(run.front().backgrounds.size(), most));
  const std::size_t tasks = std::clamp<std::size_t>(count / each, 1, run.size());
  std::vector<CompositeTask> part;
  for (std::size_t i = 0; i < tasks; ++i) {
    CompositeTask task = run[i * run.size() / tasks];
    task.backgrounds = task.backgrounds.first(std::min(task.backgrounds.size(), each));
    task.predictions = nullptr;
    task.margins = nullptr;
    task.logits = nullptr;
    part.push_back(task);
  }
  return part;
}

class FastestEngine final : public Engine {
 public:
  FastestEngine(std::vector<Precision> precisions, MakeEngine make)
      : precisions_(std::move(precisions)), make_(std::move(make)), engine_(make_(precisions_.front())) {}

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    engine_->set_backgrounds(backgrounds);
    backgrounds_ = std::move(backgrounds);
  }
  void prepare(std::span<const Mask* const> masks) override {
    if (is_chosen_) engine_->prepare(masks);
  }
  void calibrate(std::span<const CompositeTask> run, const StopAsked& stop) override {
    if (run.empty()) return;
    is_chosen_ ? engine_->calibrate(run, stop) : choose(run, stop);
  }
  void classify_composites(std::span<const CompositeTask> tasks) override {
    if (tasks.empty()) return;
    if (!is_chosen_) choose(tasks, {});
    engine_->classify_composites(tasks);
  }
  void classify_images(std::span<const Image> images, float* logits) override {
    engine_->classify_images(images, logits);
  }

  std::string device() const override { return engine_->device(); }
  int classes() const override { return engine_->classes(); }
  int batch() const override { return engine_->batch(); }
  int tile() const override { return engine_->tile(); }
  int threads() const override { return engine_->threads(); }
  std::optional<int> hand_off() const override { return engine_->hand_off(); }
  int rows_of_layer(int layer) const override { return engine_->rows_of_layer(layer); }
  bool splits_layer(int layer) const override { return engine_->splits_layer(layer); }
  int fill() const override { return engine_->fill(); }
  std::int64_t multiply_adds() const override { return engine_->multiply_adds(); }
  bool set_profile(SearchProfile* profile) override {
    profile_ = profile;
    return engine_->set_profile(profile);
  }
  std::optional<ScreeningReport> screening() const override { return engine_->screening(); }
  std::string description() const override { return engine_->description(); }
  std::size_t workspace_bytes() const override { return engine_->workspace_bytes(); }
  std::size_t cache_bytes() const override { return engine_->cache_bytes(); }
  std::size_t cache_limit() const override { return engine_->cache_limit(); }
  std::int64_t background_fills() const override { return engine_->background_fills(); }

 private:
  void choose(std::span<const CompositeTask> run, const StopAsked& stop) {
    double least = std::numeric_limits<double>::infinity();
    Precision fastest = precisions_.front();
    for (const Precision precision : precisions_) {
      const double seconds = seconds_in(precision, run, stop);
      if (seconds >= least) continue;
      least = seconds;
      fastest = precision;
    }
    begin(fastest, run, stop);
    engine_->set_profile(profile_);
    is_chosen_ = true;
  }

  // Of the part that is timed. Infinite where its audit finds a wrong answer: such a search would fail.
  double seconds_in(Precision precision, std::span<const CompositeTask> run, const StopAsked& stop) {
    begin(precision, run, stop);
    const int tile = engine_->tile();
    const std::vector<CompositeTask> part =
        timed_part(run, kTimedFills * static_cast<std::size_t>(engine_->fill()),
                   tile > 0 ? static_cast<std::size_t>(tile) : backgrounds_->size());
    try {
      engine_->classify_composites(part);  // fills the cache, and loads what loads when it first runs
      go_on(stop);
      const auto start = Clock::now();
      engine_->classify_composites(part);
      const double seconds = seconds_since(start);
      go_on(stop);
      return seconds;
    } catch (const RefutedBounds&) {
      return std::numeric_limits<double>::infinity();
    }
  }

  void begin(Precision precision, std::span<const CompositeTask> run, const StopAsked& stop) {
    // The next one looks how much memory is free.
    engine_->set_backgrounds(std::make_shared<const std::vector<Image>>());
    engine_ = make_(precision);
    engine_->set_backgrounds(backgrounds_);
    engine_->prepare(masks_of(run));
    engine_->calibrate(run, stop);
  }

  std::vector<Precision> precisions_;
  MakeEngine make_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<const std::vector<Image>> backgrounds_;
  SearchProfile* profile_ = nullptr;
  bool is_chosen_ = false;
};

}  // namespace

std::unique_ptr<Engine> make_fastest_engine(std::vector<Precision> precisions, MakeEngine make) {
  return std::make_unique<FastestEngine>(std::move(precisions), std::move(make));
}

}  // namespace backdrop
