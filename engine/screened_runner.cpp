#include "engine/screened_runner.h"

#include <algorithm>
#include <utility>

#include "backdrop/error.h"
#include "core/clock.h"
#include "engine/stored_values.h"

namespace backdrop {
namespace {

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

// Runs tasks for the time alone.
class ForgetLogits final : public LogitSink {
 public:
  explicit ForgetLogits(int classes) : classes_(classes) {}
  void write(const CompositeTask&, std::size_t, const float*) const override {}
  int classes() const override { return classes_; }

 private:
  int classes_;
};

// Long work in parts of a few seconds.
void run_in_parts(ReuseRunner& runner, std::span<const CompositeTask> tasks, const LogitSink& sink,
                  const StopAsked& stop) {
  constexpr std::size_t kPart = 16;
  for (std::size_t first = 0; first < tasks.size(); first += kPart) {
    if (stop && stop()) throw Error(ErrorCode::interrupted, "interrupted while calibrating");
    runner.run(tasks.subspan(first, std::min(kPart, tasks.size() - first)), sink);
  }
}

double seconds_of(ReuseRunner& runner, std::span<const CompositeTask> tasks, const LogitSink& sink) {
  const auto start = Clock::now();
  runner.run(tasks, sink);
  return seconds_since(start);
}

// As many of a sample's tasks, evenly spaced, as the least sample has.
std::vector<CompositeTask> timed_part(const CompositeSample& sample) {
  const std::size_t count = std::min<std::size_t>(sample.tasks.size(), 9 * kSampleForegrounds);
  std::vector<CompositeTask> part;
  for (std::size_t i = 0; i < count; ++i) part.push_back(sample.tasks[i * sample.tasks.size() / count]);
  return part;
}

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

std::size_t fast_cache_memory(std::size_t memory, Precision precision) {
  const std::size_t fast = element_bytes(precision);
  return memory / (fast + sizeof(float)) * fast;
}

ScreenedRunner::ScreenedRunner(std::shared_ptr<const Network> network, ScreenedOptions options,
                               ThreadPool& pool)
    : network_(std::move(network)),
      options_(std::move(options)),
      pool_(pool),
      exact_(network_,
             {options_.exact_rows, options_.hand_off,
              options_.cache_memory - fast_cache_memory(options_.cache_memory, options_.precision)},
             pool),
      screening_(options_.precision) {}

void ScreenedRunner::set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) {
  backgrounds_ = std::move(backgrounds);
  exact_.set_backgrounds(backgrounds_);
  if (fast_) fast_->runner.set_backgrounds(backgrounds_);
}

void ScreenedRunner::reserve() {
  exact_.reserve();
  if (fast_) fast_->runner.reserve();
}

Calibration ScreenedRunner::scales(const CompositeSample& sample) const {
  if (options_.calibration) return *options_.calibration;
  if (!needs_calibration(options_.precision)) return {};
  return backdrop::calibrate(exact_.layers(), calibration_photos(sample, *backgrounds_), pool_);
}

std::unique_ptr<ScreenedRunner::Fast> ScreenedRunner::make_fast(const Calibration& calibration,
                                                                bool bf16_sums) const {
  auto layers = std::make_unique<ReducedNetwork>(
      *network_, ReducedOptions{options_.precision, options_.fast_rows, options_.portable, calibration, true,
                                bf16_sums, &pool_});
  ReducedNetwork* const observed = layers.get();
  const ReuseOptions reuse{options_.fast_rows, options_.hand_off,
                           fast_cache_memory(options_.cache_memory, options_.precision)};
  auto fast = std::unique_ptr<Fast>(new Fast{bf16_sums, observed, {std::move(layers), reuse, pool_}});
  fast->runner.set_backgrounds(backgrounds_);
  return fast;
}

void ScreenedRunner::choose_fast(const ExactSample& exact, const StopAsked& stop) {
  const Calibration calibration = scales(exact.sample);
  std::unique_ptr<Fast> chosen = make_fast(calibration, false);
  measure_fast(*chosen, exact, stop);
  const double share = close_share_;
  const bool possible = options_.precision == Precision::int8 && has_sums(*network_) &&
                        (options_.portable || kernels::has_dot_instructions(Precision::bf16));
  if (possible && share >= kShareForWideSums) {
    std::unique_ptr<Fast> with_sums = make_fast(calibration, true);
    measure_fast(*with_sums, exact, stop);
    if (close_share_ <= share - kShareForWideSums)
      chosen = std::move(with_sums);
    else
      measure_fast(*chosen, exact, stop);
  }
  fast_ = std::move(chosen);
}

void ScreenedRunner::measure_fast(Fast& fast, const ExactSample& exact, const StopAsked& stop) {
  const KeepLogits kept(exact.sample, network_->classes());
  run_in_parts(fast.runner, exact.sample.tasks, kept, stop);
  screening_.measure(exact.sample, kept.logits(), exact.logits);
  close_share_ = screening_.close_share(exact.sample, kept.logits());
}

void ScreenedRunner::set_profile(SearchProfile* profile) {
  profile_ = profile;
  if (fast_) fast_->runner.set_profile(profile);
  exact_.time_features(profile != nullptr ? &profile->exact_fill : nullptr);
  if (profile == nullptr) return;
  if (fast_) fast_->runner.forget();  // what calibration left
  exact_.forget();
}

void ScreenedRunner::calibrate(std::span<const CompositeTask> run, const StopAsked& stop) {
  SearchProfile* const profile = profile_;
  set_profile(nullptr);
  calibrate(draw_exact(run, stop), stop);
  if (profile != nullptr) set_profile(profile);
}

ExactSample ScreenedRunner::draw_exact(std::span<const CompositeTask> run, const StopAsked& stop) {
  const auto start = Clock::now();
  CompositeSample sample = draw_sample(run);
  const KeepLogits kept(sample, network_->classes());
  run_in_parts(exact_, sample.tasks, kept, stop);
  return {std::move(sample), kept.logits(), seconds_since(start)};
}

void ScreenedRunner::calibrate(const ExactSample& exact, const StopAsked& stop) {
  const auto start = Clock::now();
  if (fast_)
    measure_fast(*fast_, exact, stop);
  else
    choose_fast(exact, stop);
  screening_.add_calibration_seconds(exact.seconds + seconds_since(start));
}

double ScreenedRunner::exact_seconds(const ExactSample& exact) {
  return seconds_of(exact_, timed_part(exact.sample), ForgetLogits(network_->classes()));
}

double ScreenedRunner::relative_cost(const ExactSample& exact, double exact_seconds) {
  const double fast = seconds_of(fast_->runner, timed_part(exact.sample), ForgetLogits(network_->classes()));
  return fast / exact_seconds + close_share_ + 1.0 / static_cast<double>(exact.sample.audit_one_in);
}

void ScreenedRunner::run(std::span<const CompositeTask> tasks, const DecisionWriter& writer) {
  if (!fast_) calibrate(tasks);
  Screening::Call call(screening_, tasks);
  fast_->runner.run(tasks, ScreeningSink(call, tasks, writer));
  screening_.make_again(tasks, call.take(), network_->classes(),
                        {[&](std::span<const CompositeTask> again) { exact_.run(again, writer); }});
}

ScreeningReport ScreenedRunner::report() const {
  ScreeningReport report = screening_.report();
  if (fast_ && fast_->bf16_sums) report.sums = Precision::bf16;
  return report;
}

int ScreenedRunner::tile() const {
  return fast_ ? std::min(fast_->runner.cache().capacity(), exact_.cache().capacity())
               : exact_.cache().capacity();
}

std::int64_t ScreenedRunner::multiply_adds() const {
  return exact_.multiply_adds() + (fast_ ? fast_->runner.multiply_adds() : 0);
}

std::size_t ScreenedRunner::cache_bytes() const {
  return exact_.cache().bytes() + (fast_ ? fast_->runner.cache().bytes() : 0);
}

std::int64_t ScreenedRunner::background_fills() const {
  return exact_.cache().fills() + (fast_ ? fast_->runner.cache().fills() : 0);
}

std::size_t ScreenedRunner::workspace_bytes() const {
  return exact_.workspace_bytes() + (fast_ ? fast_->runner.workspace_bytes() : 0);
}

}  // namespace backdrop
