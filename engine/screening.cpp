#include "engine/screening.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/clock.h"

namespace backdrop {
namespace {

ScreeningReport empty_account(Precision precision) {
  ScreeningReport report;
  report.precision = precision;
  report.safety = kRecheckSafety;
  report.quantile = kRecheckQuantile;
  report.confidence = kAuditConfidence;
  return report;
}

void widen(std::vector<ScreeningReport::ClassError>& all,
           std::span<const ScreeningReport::ClassError> errors) {
  for (const ScreeningReport::ClassError& one : errors) {
    const auto place =
        std::find_if(all.begin(), all.end(), [&](const auto& e) { return e.label >= one.label; });
    if (place == all.end() || place->label != one.label) {
      all.insert(place, one);
      continue;
    }
    place->sample += one.sample;
    place->quantile = std::max(place->quantile, one.quantile);
    place->maximum = std::max(place->maximum, one.maximum);
    place->bound = std::max(place->bound, one.bound);
  }
}

}  // namespace

ScreeningCounts& ScreeningCounts::operator+=(const ScreeningCounts& other) {
  second += other.second;
  rechecked += other.rechecked;
  audited += other.audited;
  return *this;
}

void ScreeningReport::set_counts(std::int64_t all_composites, const ScreeningCounts& counts) {
  composites = all_composites;
  if (second) second->composites = counts.second;
  rechecked = counts.rechecked;
  audited = counts.audited;
  wrong_share_bound = backdrop::wrong_share_bound(wrong, audited);
}

ScreeningReport sum_of(std::span<const ScreeningReport> parts) {
  ScreeningReport sum = parts.front();
  std::int64_t composites = sum.composites;
  ScreeningCounts counts = sum.counts();
  for (const ScreeningReport& part : parts.subspan(1)) {
    if (part.sums) sum.sums = part.sums;
    sum.safety = std::max(sum.safety, part.safety);
    widen(sum.errors, part.errors);
    if (sum.second && part.second) widen(sum.second->errors, part.second->errors);
    sum.calibration_seconds += part.calibration_seconds;
    sum.again_seconds += part.again_seconds;
    sum.wrong += part.wrong;
    composites += part.composites;
    counts += part.counts();
  }
  sum.set_counts(composites, counts);
  return sum;
}

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

SampleLogits::SampleLogits(const CompositeSample& sample, int classes)
    : classes_(static_cast<std::size_t>(classes)), logits_(sample.tasks.size()) {
  for (std::size_t t = 0; t < logits_.size(); ++t) logits_[t].resize(sample.backgrounds[t].size() * classes_);
}

Screening::Call::Call(const Screening& screening, std::span<const CompositeTask> tasks)
    : screening_(screening), tasks_(tasks) {
  for (const CompositeTask& task : tasks) fingerprints_.push_back(fingerprint(task));
}

Screening::Verdict Screening::Call::judge(std::size_t task, std::size_t place, float lead) const {
  if (needs_recheck(lead, screening_.bound_of(tasks_[task].label))) return Verdict::close;
  return is_audited(fingerprints_[task], tasks_[task].backgrounds[place], screening_.audit_one_in_)
             ? Verdict::audited
             : Verdict::stands;
}

void Screening::Call::note(const Doubt& doubt) const {
  const std::lock_guard lock(mutex_);
  doubts_.push_back(doubt);
}

Screening::Screening(Precision precision, std::optional<Precision> second)
    : second_(second ? std::make_unique<Screening>(*second) : nullptr), counts_(empty_account(precision)) {}

void Screening::measure(const CompositeSample& sample, const SampleLogits& fast, const SampleLogits& exact) {
  bounds_ = ErrorBounds();
  for (std::size_t t = 0; t < sample.tasks.size(); ++t)
    for (std::size_t i = 0; i < sample.backgrounds[t].size(); ++i)
      bounds_.add(sample.tasks[t].label, lead_error(fast.at(t, i), exact.at(t, i)));
  bounds_.finish();
  counts_ = empty_account(counts_.precision);
  counts_.errors = bounds_.classes();
  counts_.safety = bounds_.safety();
  audit_one_in_ = sample.audit_one_in;
  measured_ = true;
}

void Screening::measure_second(const CompositeSample& sample, const SampleLogits& second,
                               const SampleLogits& exact) {
  second_->measure(sample, second, exact);
}

void Screening::widen_bounds(const ScreeningReport& other) {
  bounds_.widen(other.errors);
  counts_.errors = bounds_.classes();
  if (!second_ || !other.second) return;
  second_->bounds_.widen(other.second->errors);
  second_->counts_.errors = second_->bounds_.classes();
}

double Screening::close_share(const CompositeSample& sample, const SampleLogits& fast) const {
  std::size_t close = 0;
  for (std::size_t t = 0; t < sample.tasks.size(); ++t)
    for (std::size_t i = 0; i < sample.backgrounds[t].size(); ++i)
      if (needs_recheck(lead(fast.at(t, i)), bound_of(sample.tasks[t].label))) ++close;
  return static_cast<double>(close) / static_cast<double>(std::max<std::size_t>(1, sample.size()));
}

void Screening::make_again(std::span<const CompositeTask> tasks, std::vector<Doubt> doubts, int classes,
                           const Deciders& deciders) {
  for (const CompositeTask& task : tasks)
    counts_.composites += static_cast<std::int64_t>(task.backgrounds.size());
  if (doubts.empty()) return;
  const auto start = Clock::now();
  if (second_) {
    const auto audits =
        std::partition(doubts.begin(), doubts.end(), [](const Doubt& doubt) { return doubt.fast < 0; });
    answer(tasks, {doubts.begin(), audits}, classes, [&](std::span<const CompositeTask> close) {
      Call call(*second_, close);
      deciders.second(close, call);
      second_->make_again(close, call.take(), classes, {deciders.exact});
    });
    answer(tasks, {audits, doubts.end()}, classes, deciders.exact);
  } else {
    answer(tasks, doubts, classes, deciders.exact);
  }
  counts_.again_seconds += seconds_since(start);
}

// Decides these again and puts the answers where `tasks` want them.
void Screening::answer(std::span<const CompositeTask> tasks, std::span<Doubt> doubts, int class_count,
                       const std::function<void(std::span<const CompositeTask>)>& decide) {
  if (doubts.empty()) return;
  std::sort(doubts.begin(), doubts.end(), [](const Doubt& a, const Doubt& b) {
    return a.task != b.task ? a.task < b.task : a.place < b.place;
  });
  // One task for each that has something to decide again, with room for its answers.
  std::vector<int> backgrounds(doubts.size());
  std::vector<std::int16_t> predictions(doubts.size());
  std::vector<float> margins(doubts.size());
  std::vector<float> logits;
  const auto classes = static_cast<std::size_t>(class_count);
  const bool keep =
      std::any_of(tasks.begin(), tasks.end(), [](const auto& t) { return t.logits != nullptr; });
  if (keep) logits.resize(doubts.size() * classes);
  std::vector<CompositeTask> again;
  for (std::size_t first = 0, end = 0; first < doubts.size(); first = end) {
    while (end < doubts.size() && doubts[end].task == doubts[first].task) ++end;
    CompositeTask task = tasks[doubts[first].task];
    for (std::size_t i = first; i < end; ++i) backgrounds[i] = task.backgrounds[doubts[i].place];
    task.backgrounds = std::span(backgrounds).subspan(first, end - first);
    task.predictions = &predictions[first];
    task.margins = &margins[first];
    task.logits = keep ? &logits[first * classes] : nullptr;
    again.push_back(task);
  }
  decide(again);
  for (std::size_t i = 0; i < doubts.size(); ++i) {
    const CompositeTask& task = tasks[doubts[i].task];
    const std::size_t place = doubts[i].place;
    if (task.predictions != nullptr) task.predictions[place] = predictions[i];
    if (task.margins != nullptr) task.margins[place] = margins[i];
    if (task.logits != nullptr) std::copy_n(&logits[i * classes], classes, task.logits + place * classes);
    const bool audit = doubts[i].fast >= 0;
    ++(audit ? counts_.audited : counts_.rechecked);
    if (!audit || doubts[i].fast == predictions[i]) continue;
    ++counts_.wrong;
    require_sound(task);
  }
}

void Screening::require_sound(const CompositeTask& task) const {
  throw RefutedBounds(fmt::format(
      "the audit found an answer in {} that is not fp32's ({} of {} audited so far, a foreground "
      "of class {}, error bound {:.3g}), so none of this run's answers is kept: run again "
      "in fp32 (--precision fp32)",
      name(counts_.precision), counts_.wrong, counts_.audited, task.label, bounds_.of(task.label)));
}

ScreeningReport Screening::report() const {
  ScreeningReport report = counts_;
  if (second_) {
    const ScreeningReport& second = second_->counts_;
    report.second = {second.precision, second.errors, second.composites};
    report.rechecked = second.rechecked;
    report.audited += second.audited;
    report.wrong += second.wrong;
  }
  report.wrong_share_bound = wrong_share_bound(report.wrong, report.audited);
  return report;
}

}  // namespace backdrop
