// One GPU's engine: a runner in the precision asked for, and below fp32 what decides again where that was
// close (engine/screening.h, engine/cuda_recheck.h).
#include "engine/cuda_engine.h"

#include <fmt/format.h>

#include <optional>

#include "backdrop/error.h"
#include "core/clock.h"
#include "core/parallel.h"
#include "engine/cuda_dense.h"
#include "engine/cuda_device.h"
#include "engine/cuda_products.h"
#include "engine/cuda_profile_window.h"
#include "engine/cuda_range.h"
#include "engine/cuda_recheck.h"
#include "engine/cuda_runner.h"
#include "engine/cuda_sinks.h"
#include "engine/input_checks.h"
#include "engine/screening.h"
#include "engine/stored_values.h"

namespace backdrop {
namespace {

// A call begins with waiting for the first foreground's lists and ends with the last one's recheck: it shall
// be long beside both.
constexpr int kBatchesOfFill = 8;

std::string describe(const GpuWays& without) {
  return without.empty() ? "" : ", without " + names(without);
}

class CudaEngine final : public PeerEngine {
 public:
  CudaEngine(std::shared_ptr<const Network> network, const ClassMap& map, const EngineOptions& options,
             int gpu)
      : network_(std::move(network)),
        options_(options),
        device_(open_cuda_device(gpu)),
        window_(options.profile_window),
        plans_(options.plan_folder, describe_machine(device_) + describe(options.gpu_without),
               options.measure_anew, options.complain) {
    if (static_cast<int>(map.in9.size()) != network_->classes())
      throw Error(ErrorCode::usage, fmt::format("the class map has {} classes and the network {}",
                                                map.in9.size(), network_->classes()));
    if (options.precision == Precision::fp8) require_fp8();
    std::vector<std::int32_t> in9(map.in9.begin(), map.in9.end());
    in9_ = DeviceBuffer(in9.size() * sizeof(std::int32_t), "the class map");
    copy_to_device(in9_.data(), in9.data(), in9_.size(), "copying the class map");
    layers_.emplace(*network_, options.precision);
    if (layers_->has_weights()) choose_products(*layers_, device_, options_.gpu_without, plans_);
    recheck_.emplace(*network_, *layers_, in9_.as<std::int32_t>(), device_, options_.gpu_without, plans_);
    renew_screening();
    if (needs_calibration(options.precision) && options.calibration) use_scales();
    runner_.emplace(*layers_, in9_.as<std::int32_t>(), options_, device_, *recheck_, plans_);
  }

  // Streams and events are let go on the device they belong to.
  ~CudaEngine() override { cudaSetDevice(device_.index); }

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    for (const Image& image : *backgrounds) check_size(*network_, image.height, image.width);
    select_device();
    runner_->set_photos(photos_);
    // What was measured on other photos does not hold for these.
    renew_screening();
    if (has_scales_of_run_) options_.calibration.reset();
    has_scales_of_run_ = false;
    photos_ = {};
    photos_ = upload_photos(*backgrounds);
    backgrounds_ = std::move(backgrounds);
  }

  void prepare(std::span<const Mask* const> masks) override {
    if (masks.empty()) return;
    for (const Mask* mask : masks) check_size(*network_, mask->height, mask->width);
    select_device();
    runner_->set_run(masks);
    // Scales come from `calibrate` or the first composites where the model has none.
    if (!needs_scales() && layers_->has_weights()) runner_->make();
  }

  bool set_profile(SearchProfile* profile) override {
    runner_->set_profile(profile);
    return true;
  }

  void calibrate(std::span<const CompositeTask> run, const StopAsked& stop) override {
    for (const CompositeTask& task : run) check_task(*network_, task, photos_.count);
    if (!screening_ || run.empty()) return;
    select_device();
    runner_->set_run(run);
    runner_->retry_in_less_memory([&] { measure(run, stop); });
  }

  void classify_composites(std::span<const CompositeTask> tasks) override {
    for (const CompositeTask& task : tasks) check_task(*network_, task, photos_.count);
    if (tasks.empty()) return;
    select_device();
    runner_->set_run(tasks);
    if (screening_ && !screening_->is_measured()) runner_->retry_in_less_memory([&] { measure(tasks, {}); });
    window_.run(tasks, [&](std::span<const CompositeTask> part) {
      runner_->retry_in_less_memory([&] { classify(part); });
    });
  }

  void classify_images(std::span<const Image> images, float* logits) override {
    for (const Image& image : images) check_size(*network_, image.height, image.width);
    select_device();
    runner_->retry_in_less_memory([&] { recheck_->exact().run(images, logits); });
  }

  std::optional<Calibration> calibration() const override { return options_.calibration; }
  void set_calibration(const Calibration& calibration) override {
    select_device();
    options_.calibration = calibration;
    has_scales_of_run_ = true;
    runner_->retry_in_less_memory([&] { use_scales(); });
  }
  void widen_bounds(const ScreeningReport& peer) override { screening_->widen_bounds(peer); }

  std::string device() const override { return "cuda"; }
  int classes() const override { return network_->classes(); }
  int batch() const override { return runner_->rows(); }
  int fill() const override { return kBatchesOfFill * batch(); }
  int tile() const override { return runner_->tile(); }
  int threads() const override { return 1; }
  std::optional<int> hand_off() const override { return runner_->hand_off(); }
  std::int64_t multiply_adds() const override { return runner_->multiply_adds() + recheck_->multiply_adds(); }
  std::size_t workspace_bytes() const override {
    return photos_.bytes.size() + runner_->workspace_bytes() + recheck_->workspace_bytes();
  }
  std::string description() const override {
    return fmt::format("{} (GPU {}, sm_{}{}), {}{}, {}, batch {}{}{}", device_.name, device_.index,
                       device_.major, device_.minor, layers_->form_name(), describe_products(*layers_),
                       options_.reuse ? "exact reuse" : "dense", batch(), runner_->libraries(),
                       describe(options_.gpu_without));
  }
  std::optional<ScreeningReport> screening() const override {
    if (!screening_) return std::nullopt;
    ScreeningReport report = screening_->report();
    if (layers_->half_sums()) report.sums = Precision::fp16;
    return report;
  }

 private:
  void require_fp8() const {
    if (!device_.has_fp8())
      throw Error(ErrorCode::no_device,
                  fmt::format("GPU {} ({}) has compute capability {}.{}, and --precision fp8 needs 8.9: use "
                              "--precision int8 or fp16",
                              device_.index, device_.name, device_.major, device_.minor));
  }

  void renew_screening() {
    if (options_.precision != Precision::fp32)
      screening_.emplace(options_.precision, second_precision(options_.precision, options_.gpu_without));
  }

  bool needs_scales() const { return needs_calibration(options_.precision) && !options_.calibration; }

  void use_scales(bool half_sums = false) {
    if (runner_) runner_->forget_weights();
    renew_screening();
    layers_->set_calibration(*network_, *options_.calibration, half_sums);
    choose_products(*layers_, device_, options_.gpu_without, plans_);
  }

  void select_device() const { check_cuda(cudaSetDevice(device_.index), "choosing the GPU"); }

  void classify(std::span<const CompositeTask> tasks) {
    if (!screening_) return runner_->run(tasks, write_to(tasks, classes()));
    Screening::Call call(*screening_, tasks);
    runner_->run(tasks, judge_by(call, tasks, classes()));
    const auto exact = [this](std::span<const CompositeTask> again) {
      const CudaRange range("recheck");
      recheck_->exact().run(again, photos_, write_to(again, classes()));
    };
    const auto second = [this](std::span<const CompositeTask> again, const Screening::Call& close) {
      const CudaRange range("second");
      recheck_->second().run(again, photos_, judge_by(close, again, classes()));
    };
    screening_->make_again(tasks, call.take(), classes(), {exact, second});
  }

  // By this dense path; null: as composites are classified first.
  SampleLogits logits_of(const CompositeSample& sample, CudaDense* path) {
    SampleLogits logits(sample, classes());
    std::vector<CompositeTask> tasks = sample.tasks;
    for (std::size_t t = 0; t < tasks.size(); ++t) tasks[t].logits = logits.at(t, 0);
    const DecisionSink keep = keep_in(logits, classes());
    path != nullptr ? path->run(tasks, photos_, keep) : runner_->run(tasks, keep);
    return logits;
  }

  // Chooses scales and measures the error bounds on a sample of these tasks.
  void measure(std::span<const CompositeTask> run_to_come, const StopAsked& stop) {
    const CudaRange range("calibrate");
    const auto start = Clock::now();
    const CompositeSample sample = draw_sample(run_to_come);
    if (sample.tasks.empty()) return;
    if (needs_scales()) {
      ThreadPool pool(options_.threads);
      options_.calibration = backdrop::calibrate(network_, calibration_photos(sample, *backgrounds_), pool);
      has_scales_of_run_ = true;
      use_scales();
    } else if (layers_->half_sums() || !layers_->has_weights()) {
      use_scales();  // whether sums must be fp16 is chosen anew
    }
    const auto go_on = [&] {
      if (stop && stop()) throw Error(ErrorCode::interrupted, "interrupted while calibrating");
    };
    go_on();
    const SampleLogits exact = logits_of(sample, &recheck_->exact());
    go_on();
    const SampleLogits fast = logits_of(sample, nullptr);
    std::optional<SampleLogits> second;
    if (screening_->has_second()) {
      go_on();
      second.emplace(logits_of(sample, &recheck_->second()));
    }
    screening_->measure(sample, fast, exact);
    if (const double share = screening_->close_share(sample, fast);
        share >= kShareForWideSums && can_have_half_sums()) {
      go_on();
      try_half_sums(sample, fast, exact, share);
    }
    if (second) screening_->measure_second(sample, *second, exact);
    screening_->add_calibration_seconds(seconds_since(start));
  }

  // Keeps them if they leave enough less than this share, that of bytes, to make again. Where the memory is
  // too short for them, bytes do.
  void try_half_sums(const CompositeSample& sample, const SampleLogits& fast, const SampleLogits& exact,
                     double share) {
    try {
      use_scales(true);
      const SampleLogits finer = logits_of(sample, nullptr);
      screening_->measure(sample, finer, exact);
      if (screening_->close_share(sample, finer) <= share - kShareForWideSums) return;
    } catch (const DeviceMemoryError&) {
    }
    use_scales();
    screening_->measure(sample, fast, exact);
  }

  // Whether int8 has sums of blocks that could be fp16: sums far within its range.
  bool can_have_half_sums() const {
    constexpr float kMost = 65504.0f / 4;
    if (options_.precision != Precision::int8 || !has_sums(*network_) ||
        options_.gpu_without.has(GpuWay::sums))
      return false;
    const std::vector<Precision> forms = stored_values(*network_, options_.precision, true, Precision::fp16);
    for (std::size_t v = 1; v < forms.size(); ++v) {
      const kernels::ValueScale& scale = options_.calibration->values[v];
      if (forms[v] == Precision::fp16 && scale.scale * std::max(scale.zero, 255.0f - scale.zero) > kMost)
        return false;
    }
    return true;
  }

  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  CudaDevice device_;
  CudaProfileWindow window_;
  PlanFolder plans_;
  DeviceBuffer in9_;
  std::optional<CudaLayers> layers_;
  std::optional<Screening> screening_;  // below fp32
  std::shared_ptr<const std::vector<Image>> backgrounds_;
  CudaPhotos photos_;
  std::optional<CudaRecheck> recheck_;
  std::optional<CudaRunner> runner_;
  bool has_scales_of_run_ = false;
};

}  // namespace

std::unique_ptr<PeerEngine> make_one_cuda_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                                 const EngineOptions& options, int gpu) {
  return std::make_unique<CudaEngine>(std::move(network), map, options, gpu);
}

}  // namespace backdrop
