#include "engine/screened_runner.h"

#include <algorithm>
#include <chrono>

namespace backdrop {
namespace {

// Of the memory for both caches, the fast one's share: both hold the same backgrounds then.
std::size_t fast_memory(std::size_t memory, Precision precision) {
  const std::size_t fast = element_bytes(precision);
  return memory / (fast + sizeof(float)) * fast;
}

// Keeps all logits.
class KeepLogits final : public LogitSink {
 public:
  KeepLogits(const CompositeSample& sample, int classes)
      : first_(sample.tasks.data()), classes_(classes), logits_(sample, classes) {}
  void write(const CompositeTask& task, std::size_t index, const float* logits) const override {
    std::copy_n(logits, classes_, logits_.at(static_cast<std::size_t>(&task - first_), index));
  }
  int classes() const override { return classes_; }
  const SampleLogits& logits() const { return logits_; }

 private:
  const CompositeTask* first_;
  int classes_;
  mutable SampleLogits logits_;  // each composite is one thread's
};

// Passes on what stands and notes the rest.
class ScreeningSink final : public LogitSink {
 public:
  ScreeningSink(const Screening::Call& call, std::span<const CompositeTask> tasks,
                const DecisionWriter& writer)
      : call_(call), tasks_(tasks), writer_(writer) {}

  void write(const CompositeTask& task, std::size_t index, const float* logits) const override {
    const auto t = static_cast<std::size_t>(&task - tasks_.data());
    const std::span<const float> all(logits, static_cast<std::size_t>(classes()));
    const Screening::Verdict verdict = call_.judge(t, index, lead(all));
    if (verdict == Screening::Verdict::stands) return writer_.write(task, index, logits);
    const bool audit = verdict == Screening::Verdict::audited;
    const auto best = std::max_element(all.begin(), all.end()) - all.begin();
    call_.note({t, index, audit ? static_cast<int>(best) : -1});
  }
  int classes() const override { return writer_.classes(); }

 private:
  const Screening::Call& call_;
  std::span<const CompositeTask> tasks_;
  const DecisionWriter& writer_;
};

}  // namespace

ScreenedRunner::ScreenedRunner(std::shared_ptr<const Network> network, ScreenedOptions options,
                               ThreadPool& pool)
    : network_(std::move(network)),
      options_(std::move(options)),
      pool_(pool),
      exact_(network_,
             {options_.exact_rows, options_.hand_off,
              options_.cache_memory - fast_memory(options_.cache_memory, options_.precision)},
             pool),
      screening_(options_.precision) {}

void ScreenedRunner::set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) {
  backgrounds_ = std::move(backgrounds);
  exact_.set_backgrounds(backgrounds_);
  if (fast_) fast_->set_backgrounds(backgrounds_);
}

void ScreenedRunner::reserve() {
  exact_.reserve();
  if (fast_) fast_->reserve();
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

void ScreenedRunner::set_profile(SearchProfile* profile) {
  profile_ = profile;
  if (fast_) fast_->set_profile(profile);
  exact_.time_features(profile != nullptr ? &profile->exact_fill : nullptr);
  if (profile == nullptr) return;
  if (fast_) fast_->forget();  // what calibration left
  exact_.forget();
}

void ScreenedRunner::calibrate(std::span<const CompositeTask> run) {
  SearchProfile* const profile = profile_;
  set_profile(nullptr);
  measure_bounds(run);
  if (profile != nullptr) set_profile(profile);
}

void ScreenedRunner::measure_bounds(std::span<const CompositeTask> run) {
  const auto start = std::chrono::steady_clock::now();
  const CompositeSample sample = draw_sample(run);
  if (!fast_) make_fast(sample);
  const int classes = network_->classes();
  const KeepLogits fast(sample, classes);
  const KeepLogits exact(sample, classes);
  fast_->run(sample.tasks, fast);
  exact_.run(sample.tasks, exact);
  screening_.measure(sample, fast.logits(), exact.logits());
  screening_.add_calibration_seconds(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
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
      if (needs_recheck(lead(kept.logits().at(t, i)), screening_.bound_of(sample.tasks[t].label))) ++close;
  return fast / exact + static_cast<double>(close) / static_cast<double>(sample.size()) + 1.0 / kAuditOneIn;
}

void ScreenedRunner::run(std::span<const CompositeTask> tasks, const DecisionWriter& writer) {
  if (!fast_) calibrate(tasks);
  Screening::Call call(screening_, tasks);
  fast_->run(tasks, ScreeningSink(call, tasks, writer));
  screening_.make_again(tasks, call.take(), network_->classes(),
                        [&](std::span<const CompositeTask> again) { exact_.run(again, writer); });
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

std::int64_t ScreenedRunner::background_fills() const {
  return exact_.cache().fills() + (fast_ ? fast_->cache().fills() : 0);
}

std::size_t ScreenedRunner::workspace_bytes() const {
  return exact_.workspace_bytes() + (fast_ ? fast_->workspace_bytes() : 0);
}

}  // namespace backdrop
