#include "engine/recheck.h"

#include <algorithm>
#include <limits>
#include <random>

namespace backdrop {
namespace {

std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;  // the steps of splitmix64
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// `count` of the indices below `size`, drawn without repeats and sorted.
std::vector<std::size_t> draw(std::size_t size, std::size_t count, std::mt19937& generator) {
  std::vector<std::size_t> indices(size);
  for (std::size_t i = 0; i < size; ++i) indices[i] = i;
  count = std::min(count, size);
  for (std::size_t i = 0; i < count; ++i) std::swap(indices[i], indices[i + generator() % (size - i)]);
  indices.resize(count);
  std::sort(indices.begin(), indices.end());
  return indices;
}

// Sorts the errors; 0 if there are none.
float quantile_of(std::vector<float>& errors) {
  if (errors.empty()) return 0;
  std::sort(errors.begin(), errors.end());
  return errors[static_cast<std::size_t>(kRecheckQuantile * static_cast<double>(errors.size() - 1))];
}

std::size_t count_composites(std::span<const CompositeTask> tasks) {
  std::size_t composites = 0;
  for (const CompositeTask& task : tasks) composites += task.backgrounds.size();
  return composites;
}

// Of each class.
std::size_t sample_foregrounds(std::size_t composites, std::size_t classes) {
  return std::clamp(composites / kAuditOneIn / (classes * kSampleBackgrounds), kSampleForegrounds,
                    kMostSampleForegrounds);
}

// By so many errors of each class.
float safety_for(double errors) {
  const double least = kSampleForegrounds * kSampleBackgrounds;
  const double most = kMostSampleForegrounds * kSampleBackgrounds;
  const double large = std::clamp(std::log(errors / least) / std::log(most / least), 0.0, 1.0);
  return kRecheckSafety + static_cast<float>(large) * (kLeastSafety - kRecheckSafety);
}

}  // namespace

std::size_t CompositeSample::size() const {
  return count_composites(tasks);
}

CompositeSample draw_sample(std::span<const CompositeTask> run) {
  std::mt19937 generator(1);
  std::vector<std::vector<std::size_t>> by_label;
  for (std::size_t t = 0; t < run.size(); ++t) {
    if (run[t].backgrounds.empty()) continue;
    by_label.resize(std::max(by_label.size(), static_cast<std::size_t>(run[t].label) + 1));
    by_label[run[t].label].push_back(t);
  }
  const auto is_sampled = [](const auto& tasks) { return !tasks.empty(); };
  const auto classes = std::count_if(by_label.begin(), by_label.end(), is_sampled);
  const std::size_t composites = count_composites(run);
  const std::size_t foregrounds =
      sample_foregrounds(composites, static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, classes)));
  CompositeSample sample;
  sample.audit_one_in = std::max<std::uint64_t>(kAuditOneIn, composites / kMostAudits);
  for (const auto& tasks : by_label) {
    for (const std::size_t i : draw(tasks.size(), foregrounds, generator)) {
      CompositeTask task = run[tasks[i]];
      std::vector<int>& chosen = sample.backgrounds.emplace_back();
      for (const std::size_t b : draw(task.backgrounds.size(), kSampleBackgrounds, generator))
        chosen.push_back(task.backgrounds[b]);
      task.predictions = nullptr;
      task.margins = nullptr;
      task.logits = nullptr;
      sample.tasks.push_back(task);
    }
  }
  for (std::size_t t = 0; t < sample.tasks.size(); ++t) sample.tasks[t].backgrounds = sample.backgrounds[t];
  return sample;
}

float lead_error(std::span<const float> fast, std::span<const float> exact) {
  const auto best = static_cast<std::size_t>(std::max_element(fast.begin(), fast.end()) - fast.begin());
  float error = 0;
  for (std::size_t c = 0; c < fast.size(); ++c) {
    const float difference = (fast[best] - fast[c]) - (exact[best] - exact[c]);
    if (!std::isfinite(difference)) return INFINITY;
    error = std::max(error, difference);
  }
  return error;
}

float lead(std::span<const float> logits) {
  float best = -INFINITY;
  float second = -INFINITY;
  for (const float logit : logits) {
    if (std::isnan(logit)) return std::numeric_limits<float>::quiet_NaN();
    second = std::max(second, std::min(best, logit));
    best = std::max(best, logit);
  }
  return best - second;
}

void ErrorBounds::add(int label, float error) {
  errors_.resize(std::max(errors_.size(), static_cast<std::size_t>(label) + 1));
  errors_[label].push_back(error);
}

void ErrorBounds::finish() {
  largest_ = errors_.empty() ? INFINITY : 0;
  std::vector<float> all;
  for (const auto& errors : errors_) all.insert(all.end(), errors.begin(), errors.end());
  const float common = quantile_of(all);
  const auto is_sampled = [](const auto& errors) { return !errors.empty(); };
  const auto sampled = std::count_if(errors_.begin(), errors_.end(), is_sampled);
  safety_ =
      safety_for(static_cast<double>(all.size()) / static_cast<double>(std::max<std::ptrdiff_t>(1, sampled)));
  for (std::size_t label = 0; label < errors_.size(); ++label) {
    std::vector<float>& errors = errors_[label];
    if (errors.empty()) continue;
    const float quantile = quantile_of(errors);
    const float bound = safety_ * std::max(errors.back(), common);
    classes_.push_back({static_cast<int>(label), errors.size(), quantile, errors.back(), bound});
    largest_ = std::max(largest_, bound);
  }
}

void ErrorBounds::widen(std::span<const ScreeningReport::ClassError> errors) {
  for (ScreeningReport::ClassError& ours : classes_)
    for (const ScreeningReport::ClassError& theirs : errors) {
      if (theirs.label != ours.label) continue;
      ours.quantile = std::max(ours.quantile, theirs.quantile);
      ours.maximum = std::max(ours.maximum, theirs.maximum);
      ours.bound = std::max(ours.bound, theirs.bound);
      largest_ = std::max(largest_, ours.bound);
    }
}

float ErrorBounds::of(int label) const {
  for (const ScreeningReport::ClassError& entry : classes_)
    if (entry.label == label) return entry.bound;
  return largest_;
}

std::uint64_t fingerprint(const CompositeTask& task) {
  std::uint64_t hash = 0;
  const auto take = [&](const std::vector<std::uint8_t>& bytes) {
    // Every so many bytes are enough to tell photos apart.
    for (std::size_t i = 0; i < bytes.size(); i += 61) hash = mix(hash ^ bytes[i]);
  };
  take(task.foreground->pixels);
  take(task.mask->values);
  return hash;
}

bool is_audited(std::uint64_t task_fingerprint, int background, std::uint64_t one_in) {
  return mix(task_fingerprint ^ mix(static_cast<std::uint64_t>(background))) % one_in == 0;
}

double wrong_share_bound(std::int64_t wrong, std::int64_t audited) {
  if (audited == 0 || wrong >= audited) return 1;
  // The share p at which so few wrong ones would be seen with probability 1 - confidence.
  const auto probability = [&](double p) {
    double sum = 0;
    for (std::int64_t k = 0; k <= wrong; ++k) {
      const double ways = std::lgamma(static_cast<double>(audited + 1)) -
                          std::lgamma(static_cast<double>(k + 1)) -
                          std::lgamma(static_cast<double>(audited - k + 1));
      sum += std::exp(ways + static_cast<double>(k) * std::log(p) +
                      static_cast<double>(audited - k) * std::log1p(-p));
    }
    return sum;
  };
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (probability(middle) > 1 - kAuditConfidence ? low : high) = middle;
  }
  return high;
}

}  // namespace backdrop
