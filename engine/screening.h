/// \file
/// The rules of recheck.h at work, on any device: which decisions of a fast precision stand, what is made
/// again in a second precision and in fp32, and the account of both.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backdrop/error.h"
#include "engine/calibration.h"
#include "engine/recheck.h"

namespace backdrop {

inline constexpr std::size_t kCalibrationComposites = 32;

/// The audit found a wrong answer: the run's error bounds do not hold, and nothing decided under them counts.
class RefutedBounds : public Error {
 public:
  explicit RefutedBounds(const std::string& message) : Error(ErrorCode::failed, message) {}
};

/// The composites of a sample to choose scales on.
std::vector<CompositePhotos> calibration_photos(const CompositeSample& sample,
                                                const std::vector<Image>& backgrounds);

/// All logits of a sample, [task][background][class].
class SampleLogits {
 public:
  SampleLogits(const CompositeSample& sample, int classes);

  float* at(std::size_t task, std::size_t place) { return logits_[task].data() + place * classes_; }
  std::span<const float> at(std::size_t task, std::size_t place) const {
    return std::span(logits_[task]).subspan(place * classes_, classes_);
  }

 private:
  std::size_t classes_;
  std::vector<std::vector<float>> logits_;
};

/// One account for several parts of a run, all in the same precision: counts and times are summed, of the
/// error bounds of a class the largest are taken.
ScreeningReport sum_of(std::span<const ScreeningReport> parts);

/// Where so large a share of int8's decisions is too close, sums of blocks are tried in 16 bits, and kept if
/// it falls by so much: on the CPU the fast pass takes about that part of fp32's time longer.
inline constexpr double kShareForWideSums = 0.1;

class Screening {
 public:
  enum class Verdict { stands, close, audited };

  /// A decision to be made again.
  struct Doubt {
    std::size_t task = 0;
    std::size_t place = 0;
    int fast = -1;  ///< the fast prediction, if this is an audit
  };

  /// The decisions of one call of the engine. Both methods may be called from many threads.
  class Call {
   public:
    Call(const Screening& screening, std::span<const CompositeTask> tasks);
    Verdict judge(std::size_t task, std::size_t place, float lead) const;
    void note(const Doubt& doubt) const;

    std::vector<Doubt> take() { return std::move(doubts_); }

   private:
    const Screening& screening_;
    std::span<const CompositeTask> tasks_;
    std::vector<std::uint64_t> fingerprints_;
    mutable std::mutex mutex_;
    mutable std::vector<Doubt> doubts_;
  };

  /// Who decides again. `exact` answers its tasks in fp32. `second` runs its tasks in the second precision,
  /// has `call` judge each decision, answers what stands and notes the rest.
  struct Deciders {
    std::function<void(std::span<const CompositeTask> tasks)> exact;
    std::function<void(std::span<const CompositeTask> tasks, const Call& call)> second = {};
  };

  explicit Screening(Precision precision, std::optional<Precision> second = std::nullopt);

  /// Takes the error bounds from the same composites in both precisions, and begins a new account.
  void measure(const CompositeSample& sample, const SampleLogits& fast, const SampleLogits& exact);
  /// The second precision's.
  void measure_second(const CompositeSample& sample, const SampleLogits& second, const SampleLogits& exact);
  bool has_second() const { return second_ != nullptr; }
  /// After that: as ErrorBounds::widen, by the report of another device.
  void widen_bounds(const ScreeningReport& other);
  /// Of a sample's decisions, the share that is too close by the bounds.
  double close_share(const CompositeSample& sample, const SampleLogits& fast) const;
  bool is_measured() const { return measured_ && (!second_ || second_->measured_); }
  void add_calibration_seconds(double seconds) { counts_.calibration_seconds += seconds; }
  float bound_of(int label) const { return bounds_.of(label); }

  /// Has the deciders run tasks that make the doubtful decisions again, and puts their answers where `tasks`
  /// want them: what was close the second first, if there is one, what is audited `exact`. Throws
  /// RefutedBounds if the audit finds a wrong answer.
  void make_again(std::span<const CompositeTask> tasks, std::vector<Doubt> doubts, int classes,
                  const Deciders& deciders);

  ScreeningReport report() const;

 private:
  void answer(std::span<const CompositeTask> tasks, std::span<Doubt> doubts, int class_count,
              const std::function<void(std::span<const CompositeTask>)>& decide);
  void require_sound(const CompositeTask& task) const;

  std::unique_ptr<Screening> second_;
  ErrorBounds bounds_;
  std::uint64_t audit_one_in_ = kAuditOneIn;
  bool measured_ = false;
  ScreeningReport counts_;
};

}  // namespace backdrop
