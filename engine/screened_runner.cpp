#include "engine/screened_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "backdrop/error.h"
#include "kernels/decide.h"

namespace backdrop {
namespace {

constexpr std::size_t kCalibrationComposites = 32;

// Of the memory for both caches, the fast one's share: both hold the same backgrounds then.
std::size_t fast_memory(std::size_t memory, Precision precision) {
  const std::size_t fast = element_bytes(precision);
  return memory / (fast + sizeof(float)) * fast;
}

// Keeps all logits, [task][background][class].
class KeepLogits final : public LogitSink {
 public:
  KeepLogits(const CompositeSample& sample, int classes)
      : first_(sample.tasks.data()), classes_(classes), logits_(sample.tasks.size()) {
    for (std::size_t t = 0; t < logits_.size(); ++t)
      logits_[t].resize(sample.backgrounds[t].size() * classes);
  }
  void write(const CompositeTask& task, std::size_t index, const float* logits) const override {
    std::copy_n(logits, classes_, logits_[&task - first_].data() + index * classes_);
  }
  int classes() const override { return classes_; }
  std::span<const float> at(std::size_t task, std::size_t index) const {
    return std::span(logits_[task]).subspan(index * classes_, classes_);
  }

 private:
  const CompositeTask* first_;
  int classes_;
  mutable std::vector<std::vector<float>> logits_;  // each composite is one thread's
};

}  // namespace

std::vector<CompositePhotos> calibration_photos(const CompositeSample& sample,
                                                const std::vector<Image>& backgrounds) {
  std::vector<CompositePhotos> photos;
  const std::size_t step = std::max<std::size_t>(1, sample.size() / kCalibrationComposites);
  std::size_t number = 0;
  for (const CompositeTask& task : sample.tasks)
    for (const int background : task.backgrounds)
      if (number++ % step == 0)
        photos.push_back({task.foreground, task.mask, &backgrounds[static_cast<std::size_t>(background)]});
  return photos;
}

// A decision to be made again.
struct ScreenedRunner::Close {
  std::size_t task = 0;
  std::size_t place = 0;
  int fast = -1;  // the fast prediction, if this is an audit
};

// Passes on what stands and notes the rest.
class ScreenedRunner::Sink final : public LogitSink {
 public:
  Sink(std::span<const CompositeTask> tasks, const ErrorBounds& bounds, const DecisionWriter& writer)
      : tasks_(tasks), bounds_(bounds), writer_(writer) {
    for (const CompositeTask& task : tasks) fingerprints_.push_back(fingerprint(task));
  }

  void write(const CompositeTask& task, std::size_t index, const float* logits) const override {
    const auto t = static_cast<std::size_t>(&task - tasks_.data());
    const std::span<const float> all(logits, static_cast<std::size_t>(classes()));
    if (needs_recheck(lead(all), bounds_.of(task.label))) return note({t, index, -1});
    if (!is_audited(fingerprints_[t], task.backgrounds[index])) return writer_.write(task, index, logits);
    note({t, index, static_cast<int>(std::max_element(all.begin(), all.end()) - all.begin())});
  }
  int classes() const override { return writer_.classes(); }

  std::vector<Close> take() { return std::move(close_); }

 private:
  void note(Close close) const {
    const std::lock_guard lock(mutex_);
    close_.push_back(close);
  }

  std::span<const CompositeTask> tasks_;
  const ErrorBounds& bounds_;
  const DecisionWriter& writer_;
  std::vector<std::uint64_t> fingerprints_;
  mutable std::mutex mutex_;
  mutable std::vector<Close> close_;
};

ScreenedRunner::ScreenedRunner(std::shared_ptr<const Network> network, ScreenedOptions options,
                               ThreadPool& pool)
    : network_(std::move(network)),
      options_(std::move(options)),
      pool_(pool),
      exact_(network_,
             {options_.exact_rows, options_.hand_off,
              options_.cache_memory - fast_memory(options_.cache_memory, options_.precision)},
             pool) {
  counts_.precision = options_.precision;
  counts_.safety = kRecheckSafety;
  counts_.quantile = kRecheckQuantile;
  counts_.confidence = kAuditConfidence;
}

void ScreenedRunner::set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) {
  backgrounds_ = std::move(backgrounds);
  exact_.set_backgrounds(backgrounds_);
  if (fast_) fast_->set_backgrounds(backgrounds_);
}

void ScreenedRunner::make_fast(const CompositeSample& sample) {
  ReducedOptions reduced{options_.precision, options_.fast_rows, options_.portable, {}, true};
  if (options_.calibration) {
    reduced.calibration = *options_.calibration;
  } else if (options_.precision == Precision::int8) {
    reduced.calibration = backdrop::calibrate(network_, calibration_photos(sample, *backgrounds_), pool_);
  }
  auto layers = std::make_unique<ReducedNetwork>(*network_, reduced);
  fast_layers_ = layers.get();
  fast_ = std::make_unique<ReuseRunner>(std::move(layers),
                                        ReuseOptions{options_.fast_rows, options_.hand_off,
                                                     fast_memory(options_.cache_memory, options_.precision)},
                                        pool_);
  fast_->set_backgrounds(backgrounds_);
}

void ScreenedRunner::calibrate(std::span<const CompositeTask> run) {
  const auto start = std::chrono::steady_clock::now();
  const CompositeSample sample = draw_sample(run);
  if (!fast_) make_fast(sample);
  const int classes = network_->classes();
  const KeepLogits fast(sample, classes);
  const KeepLogits exact(sample, classes);
  fast_->run(sample.tasks, fast);
  exact_.run(sample.tasks, exact);
  bounds_ = ErrorBounds();
  for (std::size_t t = 0; t < sample.tasks.size(); ++t)
    for (std::size_t i = 0; i < sample.backgrounds[t].size(); ++i)
      bounds_.add(sample.tasks[t].label, lead_error(fast.at(t, i), exact.at(t, i)));
  bounds_.finish();
  counts_.errors = bounds_.classes();
  counts_.calibration_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double ScreenedRunner::relative_cost(std::span<const CompositeTask> run) {
  const CompositeSample sample = draw_sample(run);
  const KeepLogits kept(sample, network_->classes());
  const auto seconds = [&](ReuseRunner& runner) {
    const auto start = std::chrono::steady_clock::now();
    runner.run(sample.tasks, kept);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double exact = seconds(exact_);
  const double fast = seconds(*fast_);
  std::size_t close = 0;
  for (std::size_t t = 0; t < sample.tasks.size(); ++t)
    for (std::size_t i = 0; i < sample.backgrounds[t].size(); ++i)
      if (needs_recheck(lead(kept.at(t, i)), bounds_.of(sample.tasks[t].label))) ++close;
  return fast / exact + static_cast<double>(close) / static_cast<double>(sample.size()) + 1.0 / kAuditOneIn;
}

void ScreenedRunner::run(std::span<const CompositeTask> tasks, const DecisionWriter& writer) {
  if (!fast_) calibrate(tasks);
  Sink sink(tasks, bounds_, writer);
  fast_->run(tasks, sink);
  std::vector<Close> close = sink.take();
  for (const CompositeTask& task : tasks)
    counts_.composites += static_cast<std::int64_t>(task.backgrounds.size());
  recheck(tasks, close, writer);
}

void ScreenedRunner::recheck(std::span<const CompositeTask> tasks, std::vector<Close>& close,
                             const DecisionWriter& writer) {
  std::sort(close.begin(), close.end(), [](const Close& a, const Close& b) {
    return a.task != b.task ? a.task < b.task : a.place < b.place;
  });
  // One task for each that has something to decide again, with room for its answers.
  std::vector<int> backgrounds(close.size());
  std::vector<std::int16_t> predictions(close.size());
  std::vector<float> margins(close.size());
  std::vector<float> logits;
  const std::size_t classes = network_->classes();
  const bool keep =
      std::any_of(tasks.begin(), tasks.end(), [](const auto& t) { return t.logits != nullptr; });
  if (keep) logits.resize(close.size() * classes);
  std::vector<CompositeTask> again;
  for (std::size_t first = 0, end = 0; first < close.size(); first = end) {
    while (end < close.size() && close[end].task == close[first].task) ++end;
    CompositeTask task = tasks[close[first].task];
    for (std::size_t i = first; i < end; ++i) backgrounds[i] = task.backgrounds[close[i].place];
    task.backgrounds = std::span(backgrounds).subspan(first, end - first);
    task.predictions = &predictions[first];
    task.margins = &margins[first];
    task.logits = keep ? &logits[first * classes] : nullptr;
    again.push_back(task);
  }
  exact_.run(again, writer);
  for (std::size_t i = 0; i < close.size(); ++i) {
    const CompositeTask& task = tasks[close[i].task];
    const std::size_t place = close[i].place;
    if (task.predictions != nullptr) task.predictions[place] = predictions[i];
    if (task.margins != nullptr) task.margins[place] = margins[i];
    if (task.logits != nullptr) std::copy_n(&logits[i * classes], classes, task.logits + place * classes);
    const bool audit = close[i].fast >= 0;
    ++(audit ? counts_.audited : counts_.rechecked);
    if (!audit || close[i].fast == predictions[i]) continue;
    ++counts_.wrong;
    require_sound(task);
  }
}

void ScreenedRunner::require_sound(const CompositeTask& task) const {
  throw Error(ErrorCode::failed,
              fmt::format("the audit found an answer in {} that is not fp32's ({} of {} audited so far, a "
                          "foreground of class {}, error bound {:.3g}): run again with --precision fp32",
                          name(options_.precision), counts_.wrong, counts_.audited, task.label,
                          bounds_.of(task.label)));
}

int ScreenedRunner::tile() const {
  return fast_ ? std::min(fast_->cache().capacity(), exact_.cache().capacity()) : exact_.cache().capacity();
}

std::int64_t ScreenedRunner::multiply_adds() const {
  return exact_.multiply_adds() + (fast_ ? fast_->multiply_adds() : 0);
}

std::size_t ScreenedRunner::cache_bytes() const {
  return exact_.cache().bytes() + (fast_ ? fast_->cache().bytes() : 0);
}

std::size_t ScreenedRunner::workspace_bytes() const {
  return exact_.workspace_bytes() + (fast_ ? fast_->workspace_bytes() : 0);
}

ScreeningReport ScreenedRunner::report() const {
  ScreeningReport report = counts_;
  report.wrong_share_bound = wrong_share_bound(report.wrong, report.audited);
  return report;
}

}  // namespace backdrop
