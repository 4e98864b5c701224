/// \file
/// Composites below fp32 with fp32's answers: a fast runner decides, an exact one decides again what was
/// close, and what the audit draws (screening.h).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/reduced_network.h"
#include "engine/reuse_runner.h"
#include "engine/screening.h"

namespace backdrop {

/// Of the memory for the caches of both, the fast one's share: both hold the same backgrounds then, unless
/// sums are bfloat16.
std::size_t fast_cache_memory(std::size_t memory, Precision precision);

struct ScreenedOptions {
  Precision precision = Precision::int8;
  bool portable = false;                                  ///< the fast layers by plain loops
  BatchRows fast_rows = 8;                                ///< backgrounds a batch
  BatchRows exact_rows = 4;                               ///< the same in fp32
  int hand_off = 0;                                       ///< of both
  std::size_t cache_memory = 0;                           ///< bytes, for both together
  std::optional<Calibration> calibration = std::nullopt;  ///< for int8; none: made from the run
};

/// A sample and fp32's answers.
struct ExactSample {
  CompositeSample sample;
  SampleLogits logits;
  double seconds = 0;  ///< that these took, with all features they needed
};

class ScreenedRunner {
 public:
  /// `pool` must outlive the runner.
  ScreenedRunner(std::shared_ptr<const Network> network, ScreenedOptions options, ThreadPool& pool);

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds);

  /// Takes the memory for features, once calibrated.
  void reserve();

  /// Chooses scales and measures the error bounds on a sample of these tasks, as Engine::calibrate.
  void calibrate(std::span<const CompositeTask> run, const StopAsked& stop = {});
  /// Calibrates on these tasks if that was not done. Throws failed if the audit finds a wrong answer.
  void run(std::span<const CompositeTask> tasks, const DecisionWriter& writer);

  /// For a choice among several runners: the first of them computes the sample in fp32 for all.
  ExactSample draw_exact(std::span<const CompositeTask> run, const StopAsked& stop);
  void calibrate(const ExactSample& exact, const StopAsked& stop);
  /// A part of the sample in fp32 once more, with all features there.
  double exact_seconds(const ExactSample& exact);
  /// What a composite is going to take, over its time in fp32: the fast pass timed on the same part, and the
  /// share of the sample that is decided again or audited. Below 1: it pays.
  double relative_cost(const ExactSample& exact, double exact_seconds);

  /// Adds where the time goes to `profile` from now on, that of calibration excepted; null: nowhere. A
  /// profile starts with nothing cached.
  void set_profile(SearchProfile* profile);

  int tile() const;
  std::int64_t multiply_adds() const;
  std::size_t workspace_bytes() const;
  std::size_t cache_bytes() const;
  std::int64_t background_fills() const;
  ScreeningReport report() const;
  /// The fast layers, once calibrated.
  ReducedNetwork* fast_layers() { return fast_->layers; }

 private:
  struct Fast {
    bool bf16_sums;
    ReducedNetwork* layers;  // the runner's
    ReuseRunner runner;
  };

  Calibration scales(const CompositeSample& sample) const;
  std::unique_ptr<Fast> make_fast(const Calibration& calibration, bool bf16_sums) const;
  /// Makes the fast runner, with sums of blocks in bfloat16 if that pays.
  void choose_fast(const ExactSample& exact, const StopAsked& stop);
  /// Takes the error bounds of a fast runner, and the share that is too close by them.
  void measure_fast(Fast& fast, const ExactSample& exact, const StopAsked& stop);

  std::shared_ptr<const Network> network_;
  ScreenedOptions options_;
  ThreadPool& pool_;
  std::shared_ptr<const std::vector<Image>> backgrounds_;
  ReuseRunner exact_;
  std::unique_ptr<Fast> fast_;
  Screening screening_;
  double close_share_ = 1;
  SearchProfile* profile_ = nullptr;
};

}  // namespace backdrop
