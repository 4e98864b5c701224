#include "engine/several_engines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "core/clock.h"
#include "core/parallel.h"
#include "core/rounding.h"
#include "engine/recheck.h"

namespace backdrop {
namespace {

// How much an engine takes at once of what is left to all: less and less, so that they end together, in whole
// batches.
class Portions {
 public:
  Portions(std::size_t engines, int batch)
      : engines_(engines), batch_(static_cast<std::size_t>(std::max(1, batch))) {}

  std::size_t batch() const { return batch_; }
  std::size_t whole_batches(std::size_t count) const { return round_up(count, batch_); }
  std::size_t next(std::size_t left) const { return std::max(batch_, whole_batches(left / (2 * engines_))); }

 private:
  std::size_t engines_;
  std::size_t batch_;
};

// Hands out the tasks of one call, from any thread.
class TaskQueue {
 public:
  TaskQueue(std::span<const CompositeTask> tasks, int classes, const Portions& portions)
      : tasks_(tasks), classes_(static_cast<std::size_t>(classes)), portions_(portions) {
    for (const CompositeTask& task : tasks) left_ += task.backgrounds.size();
  }

  // Empty when all are taken.
  std::vector<CompositeTask> next() {
    const std::lock_guard lock(mutex_);
    const std::size_t wanted = portions_.next(left_);
    std::vector<CompositeTask> taken;
    std::size_t count = 0;
    while (task_ < tasks_.size() && count < wanted) {
      const std::size_t rest = tasks_[task_].backgrounds.size() - place_;
      // Each part of a task costs its foreground's own features again: no part is less than a batch.
      const std::size_t room = portions_.whole_batches(wanted - count);
      const std::size_t some = rest < room + portions_.batch() ? rest : room;
      if (some > 0) taken.push_back(part(some));
      count += some;
      place_ += some;
      if (some < rest) continue;
      ++task_;
      place_ = 0;
    }
    left_ -= count;
    return taken;
  }

 private:
  CompositeTask part(std::size_t count) const {
    CompositeTask result = tasks_[task_];
    result.backgrounds = result.backgrounds.subspan(place_, count);
    if (result.predictions != nullptr) result.predictions += place_;
    if (result.margins != nullptr) result.margins += place_;
    if (result.logits != nullptr) result.logits += place_ * classes_;
    return result;
  }

  std::mutex mutex_;
  std::span<const CompositeTask> tasks_;
  std::size_t classes_;
  const Portions& portions_;
  std::size_t left_ = 0;
  std::size_t task_ = 0;   // the next one, and
  std::size_t place_ = 0;  // how many of its backgrounds are taken
};

class SeveralEngines final : public Engine {
 public:
  SeveralEngines(std::vector<std::unique_ptr<PeerEngine>> engines, bool makes_scales)
      : engines_(std::move(engines)),
        makes_scales_(makes_scales),
        needs_scales_(makes_scales),
        portions_(engines_.size(), engines_.front()->batch()),
        pool_(static_cast<int>(engines_.size())) {}

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    is_prepared_ = false;
    is_calibrated_ = false;
    needs_scales_ = makes_scales_;
    on_each([&](PeerEngine& engine) { engine.set_backgrounds(backgrounds); });
  }

  void prepare(std::span<const Mask* const> masks) override {
    if (masks.empty()) return;
    is_prepared_ = false;
    on_each([&](PeerEngine& engine) { engine.prepare(masks); });
    is_prepared_ = true;
  }

  void calibrate(std::span<const CompositeTask> run, const StopAsked& stop) override {
    if (!engines_.front()->screening() || run.empty()) return;
    const auto start = Clock::now();
    is_calibrated_ = false;
    prepare_for(run);
    std::size_t first = 0;
    if (needs_scales_) {
      engines_.front()->calibrate(run, stop);
      const std::optional<Calibration> scales = engines_.front()->calibration();
      if (!scales) return;  // nothing to choose them on
      first = 1;
      on_each([&](PeerEngine& engine) { engine.set_calibration(*scales); }, first);
      needs_scales_ = false;
    }
    // In threads of ours: `stop` is the caller's to be asked.
    on_each([&](PeerEngine& engine) { engine.calibrate(run, {}); }, first);
    share_bounds();
    calibration_seconds_ = seconds_since(start);
  }

  void classify_composites(std::span<const CompositeTask> tasks) override {
    if (tasks.empty()) return;
    // Each engine sees a part of the tasks only, and would choose by that.
    prepare_for(tasks);
    if (!is_calibrated_) calibrate(tasks, {});
    TaskQueue queue(tasks, classes(), portions_);
    take_turns([&](PeerEngine& engine) {
      const std::vector<CompositeTask> part = queue.next();
      if (!part.empty()) engine.classify_composites(part);
      return !part.empty();
    });
  }

  void classify_images(std::span<const Image> images, float* logits) override {
    std::mutex mutex;
    std::size_t taken = 0;
    const auto next = [&] {
      const std::lock_guard lock(mutex);
      const std::size_t left = images.size() - taken;
      const std::size_t first = std::exchange(taken, taken + std::min(left, portions_.next(left)));
      return std::pair(first, taken - first);
    };
    take_turns([&](PeerEngine& engine) {
      const auto [first, count] = next();
      if (count > 0)
        engine.classify_images(images.subspan(first, count),
                               logits + first * static_cast<std::size_t>(classes()));
      return count > 0;
    });
  }

  std::string device() const override { return engines_.front()->device(); }
  int classes() const override { return engines_.front()->classes(); }
  int batch() const override { return engines_.front()->batch(); }
  int tile() const override {
    int smallest = 0;
    for (const auto& engine : engines_)
      if (const int tile = engine->tile(); tile > 0 && (smallest == 0 || tile < smallest)) smallest = tile;
    return smallest;
  }
  int threads() const override { return sum<int>(&Engine::threads); }
  int fill() const override { return sum<int>(&Engine::fill); }
  std::optional<int> hand_off() const override { return engines_.front()->hand_off(); }
  int rows_of_layer(int layer) const override { return engines_.front()->rows_of_layer(layer); }
  bool splits_layer(int layer) const override { return engines_.front()->splits_layer(layer); }
  std::int64_t multiply_adds() const override { return sum<std::int64_t>(&Engine::multiply_adds); }
  bool set_profile(SearchProfile* profile) override {
    bool all = true;
    for (const auto& engine : engines_) all = engine->set_profile(profile) && all;
    return all;
  }
  std::optional<ScreeningReport> screening() const override {
    std::optional<ScreeningReport> all = engines_.front()->screening();
    if (!all) return all;
    for (std::size_t i = 1; i < engines_.size(); ++i) {
      const ScreeningReport one = engines_[i]->screening().value();
      if (one.sums) all->sums = one.sums;
      all->composites += one.composites;
      all->rechecked += one.rechecked;
      all->audited += one.audited;
      all->wrong += one.wrong;
      all->again_seconds += one.again_seconds;
      if (all->second) all->second->composites += one.second.value().composites;
    }
    all->calibration_seconds = calibration_seconds_;
    // They work side by side.
    all->again_seconds /= static_cast<double>(engines_.size());
    all->wrong_share_bound = wrong_share_bound(all->wrong, all->audited);
    return all;
  }
  std::string description() const override {
    std::vector<std::string> each;
    for (const auto& engine : engines_) each.push_back(engine->description());
    return fmt::format("{} devices: {}", each.size(), fmt::join(each, "; "));
  }
  std::size_t workspace_bytes() const override { return sum<std::size_t>(&Engine::workspace_bytes); }
  std::size_t cache_bytes() const override { return sum<std::size_t>(&Engine::cache_bytes); }
  std::size_t cache_limit() const override { return sum<std::size_t>(&Engine::cache_limit); }
  std::int64_t background_fills() const override { return sum<std::int64_t>(&Engine::background_fills); }

 private:
  template <class Count>
  Count sum(Count (Engine::*of)() const) const {
    Count all = 0;
    for (const auto& engine : engines_) all += (engine.get()->*of)();
    return all;
  }

  // All at once, each once, from engine `first` on.
  template <class Body>
  void on_each(const Body& body, std::size_t first = 0) {
    pool_.run(engines_.size() - first, [&](std::size_t i, int) { body(*engines_[first + i]); });
  }

  // Has every engine call `next` until it says that nothing is left. When one throws, the others finish what
  // they have in hand and take no more; the first error is thrown.
  template <class Next>
  void take_turns(const Next& next) {
    std::atomic<bool> failed{false};
    on_each([&](PeerEngine& engine) {
      try {
        while (!failed && next(engine)) {
        }
      } catch (...) {
        failed = true;
        throw;
      }
    });
  }

  void prepare_for(std::span<const CompositeTask> tasks) {
    if (!is_prepared_) prepare(masks_of(tasks));
  }

  // Devices may differ, and their errors with them: the largest counts for all.
  void share_bounds() {
    std::vector<ScreeningReport> reports;
    for (const auto& engine : engines_) reports.push_back(engine->screening().value());
    for (const auto& engine : engines_)
      for (const ScreeningReport& report : reports) engine->widen_bounds(report);
    is_calibrated_ = !reports.front().errors.empty();
  }

  std::vector<std::unique_ptr<PeerEngine>> engines_;
  bool makes_scales_;
  bool needs_scales_;  // for these backgrounds, still
  Portions portions_;
  ThreadPool pool_;
  bool is_prepared_ = false;
  bool is_calibrated_ = false;  // below fp32
  double calibration_seconds_ = 0;
};

}  // namespace

std::unique_ptr<Engine> join_engines(std::vector<std::unique_ptr<PeerEngine>> engines, bool makes_scales) {
  return std::make_unique<SeveralEngines>(std::move(engines), makes_scales);
}

}  // namespace backdrop
