// One GPU's engine: exact reuse or the dense path in the precision asked for, and below fp32 what decides
// again where that was close (engine/screening.h, engine/cuda_recheck.h).
#include "engine/cuda_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "backdrop/error.h"
#include "core/parallel.h"
#include "engine/cuda_dense.h"
#include "engine/cuda_device.h"
#include "engine/cuda_products.h"
#include "engine/cuda_profile_window.h"
#include "engine/cuda_range.h"
#include "engine/cuda_recheck.h"
#include "engine/cuda_reuse.h"
#include "engine/cuda_sinks.h"
#include "engine/hand_off.h"
#include "engine/input_checks.h"
#include "engine/screening.h"

namespace backdrop {
namespace {

// Two tiles of the position convolution for each position: with 128 rows a ResNet-50's layer3 has 1.5 tiles a
// multiprocessor of an H100, which take as long as 2.
constexpr int kRows = 256;
constexpr int kLeastRows = 32;  // where memory is short
constexpr int kMostListMakers = 8;
// A call begins with waiting for the first foreground's lists and ends with the last one's recheck: it shall
// be long beside both.
constexpr int kBatchesOfFill = 8;
constexpr double kCacheShare = 0.8;  // of the memory that is free beside activations

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
    rows_ = clamp_rows(layers_->network(), options.batch > 0 ? options.batch : rows_for_memory());
  }

  // Streams and events are let go on the device they belong to.
  ~CudaEngine() override { cudaSetDevice(device_.index); }

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    for (const Image& image : *backgrounds) check_size(*network_, image.height, image.width);
    select_device();
    drop_reuse();
    masks_.clear();
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
    masks_.clear();
    for (const Mask* mask : sample_masks(masks)) masks_.push_back(*mask);
    foregrounds_ = masks.size();
    make_runner();
  }

  bool set_profile(SearchProfile* profile) override {
    profile_ = profile;
    if (reuse_) reuse_->set_profile(profile);
    if (dense_) dense_->set_profile(profile);
    return true;
  }

  void calibrate(std::span<const CompositeTask> run, const StopAsked& stop) override {
    for (const CompositeTask& task : run) check_task(*network_, task, photos_.count);
    if (!screening_ || run.empty()) return;
    select_device();
    retry_in_less_memory([&] {
      prepare_for(run);
      measure(run, stop);
    });
  }

  void classify_composites(std::span<const CompositeTask> tasks) override {
    for (const CompositeTask& task : tasks) check_task(*network_, task, photos_.count);
    if (tasks.empty()) return;
    select_device();
    retry_in_less_memory([&] {
      prepare_for(tasks);
      if (screening_ && !screening_->is_measured()) measure(tasks, {});
    });
    window_.run(tasks, [&](std::span<const CompositeTask> part) {
      retry_in_less_memory([&] {
        prepare_for(tasks);
        classify(part);
      });
    });
  }

  void classify_images(std::span<const Image> images, float* logits) override {
    for (const Image& image : images) check_size(*network_, image.height, image.width);
    select_device();
    retry_in_less_memory([&] { recheck_->exact().run(images, logits); });
  }

  std::optional<Calibration> calibration() const override { return options_.calibration; }
  void set_calibration(const Calibration& calibration) override {
    select_device();
    options_.calibration = calibration;
    has_scales_of_run_ = true;
    retry_in_less_memory([&] { use_scales(); });
  }
  void widen_bounds(const ScreeningReport& peer) override { screening_->widen_bounds(peer); }

  std::string device() const override { return "cuda"; }
  int classes() const override { return network_->classes(); }
  int batch() const override { return rows_; }
  int fill() const override { return kBatchesOfFill * rows_; }
  int tile() const override { return reuse_ ? reuse_->cache().capacity() : 0; }
  int threads() const override { return 1; }
  std::optional<int> hand_off() const override {
    if (!reuse_) return std::nullopt;
    return reuse_->hand_off();
  }
  std::int64_t multiply_adds() const override {
    return earlier_multiply_adds_ + (reuse_ ? reuse_->multiply_adds() : 0) +
           ((dense_ ? dense_->composites() : 0) + recheck_->composites()) * network_->macs();
  }
  std::size_t workspace_bytes() const override {
    return photos_.bytes.size() + (reuse_ ? reuse_->workspace_bytes() : 0) +
           (whole_ ? whole_->workspace_bytes() : 0) + (dense_ ? dense_->workspace_bytes() : 0) +
           recheck_->workspace_bytes();
  }
  std::string description() const override {
    std::string text =
        fmt::format("{} (GPU {}, sm_{}{}), {}{}, {}, batch {}", device_.name, device_.index, device_.major,
                    device_.minor, name(layers_->precision()), describe_products(*layers_),
                    options_.reuse ? "exact reuse" : "dense", rows_);
    if (dense_) text += ", " + dense_->libraries();
    if (reuse_ && !reuse_->libraries().empty()) text += ", whole images: " + reuse_->libraries();
    return text + describe(options_.gpu_without);
  }
  std::optional<ScreeningReport> screening() const override {
    if (!screening_) return std::nullopt;
    return screening_->report();
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

  void use_scales() {
    if (dense_) earlier_multiply_adds_ += dense_->composites() * network_->macs();
    dense_.reset();
    drop_reuse();
    whole_.reset();
    layers_->set_calibration(*network_, *options_.calibration);
    choose_products(*layers_, device_, options_.gpu_without, plans_);
  }

  void select_device() const { check_cuda(cudaSetDevice(device_.index), "choosing the GPU"); }

  void drop_reuse() {
    if (reuse_) earlier_multiply_adds_ += reuse_->multiply_adds();
    reuse_.reset();
  }

  static std::size_t free_memory() {
    std::size_t free = 0;
    std::size_t total = 0;
    check_cuda(cudaMemGetInfo(&free, &total), "asking for free memory");
    return free;
  }

  std::size_t activation_bytes(int rows) const {
    return backdrop::activation_bytes(layers_->network(), layers_->precision(), rows);
  }

  int rows_for_memory() const {
    const std::size_t most = free_memory() / 4;
    int rows = kRows;
    while (rows > kLeastRows && activation_bytes(rows) > most) rows /= 2;
    return rows;
  }

  // This GPU's share of the CPU's threads; more would make lists faster than any GPU takes them.
  int list_makers() const {
    const int threads = options_.threads > 0 ? options_.threads : available_threads();
    return std::clamp(threads / static_cast<int>(options_.gpus.size()), 1, kMostListMakers);
  }

  std::size_t cache_memory() const {
    if (cache_limit_ > 0) return cache_limit_;
    if (options_.cache_memory > 0) return options_.cache_memory;
    const std::size_t free = free_memory();
    const std::size_t kept = activation_bytes(rows_) + recheck_->bytes_to_come();
    return static_cast<std::size_t>(kCacheShare * static_cast<double>(free - std::min(kept, free)));
  }

  // Runs `body` again with half of the cache, and half again, while the device has no memory left.
  template <class Body>
  void retry_in_less_memory(const Body& body) {
    while (true) {
      try {
        body();
        return;
      } catch (const DeviceMemoryError&) {
        if (!reuse_ || reuse_->cache().capacity() <= rows_) throw;
        cache_limit_ = reuse_->cache().bytes() / 2;
        if (options_.complain)
          options_.complain(
              fmt::format("GPU {} is out of memory: its cache of background features is halved to {} MiB",
                          device_.index, cache_limit_ >> 20));
        drop_reuse();
      }
    }
  }

  void prepare_for(std::span<const CompositeTask> tasks) {
    if (reuse_) return;
    if (!masks_.empty()) return make_runner();
    std::vector<const Mask*> masks;
    for (const CompositeTask& task : tasks) masks.push_back(task.mask);
    prepare(masks);
  }

  void make_runner() {
    // Scales come from `calibrate` or the first composites where the model has none.
    if (needs_scales()) return;
    if (!options_.reuse) return make_dense();
    drop_reuse();
    if (!whole_) whole_.emplace(*layers_, rows_, options_.gpu_without, plans_);
    std::vector<double> paces;
    for (int i = 0; i < layers_->position_layers(); ++i) paces.push_back(whole_->pace(i));
    std::vector<const Mask*> masks;
    for (const Mask& mask : masks_) masks.push_back(&mask);
    const std::size_t memory = cache_memory();
    // The choice is made for values of four bytes.
    const HandOffChoice choice =
        choose_hand_off(layers_->network(), masks, foregrounds_, std::max<std::size_t>(1, photos_.count),
                        memory / layers_->value_bytes() * 4, paces);
    reuse_.emplace(*whole_, photos_, in9_.as<std::int32_t>(),
                   CudaReuseOptions{choice.hand_off, memory, list_makers()});
    reuse_->set_profile(profile_);
  }

  void run(std::span<const CompositeTask> tasks, const DecisionSink& sink) {
    if (options_.reuse && !reuse_) make_runner();
    if (reuse_) return reuse_->run(tasks, sink);
    make_dense();
    dense_->run(tasks, photos_, sink);
  }

  void classify(std::span<const CompositeTask> tasks) {
    if (!screening_) return run(tasks, write_to(tasks, classes()));
    Screening::Call call(*screening_, tasks);
    run(tasks, judge_by(call, tasks, classes()));
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

  void make_dense() {
    if (dense_) return;
    dense_.emplace(*layers_, in9_.as<std::int32_t>(), rows_, options_.gpu_without, plans_);
    dense_->set_profile(profile_);
  }

  // By this dense path; null: as composites are classified first.
  SampleLogits logits_of(const CompositeSample& sample, CudaDense* path) {
    SampleLogits logits(sample, classes());
    std::vector<CompositeTask> tasks = sample.tasks;
    for (std::size_t t = 0; t < tasks.size(); ++t) tasks[t].logits = logits.at(t, 0);
    const DecisionSink keep = keep_in(logits, classes());
    path != nullptr ? path->run(tasks, photos_, keep) : run(tasks, keep);
    return logits;
  }

  // Chooses scales and measures the error bounds on a sample of these tasks.
  void measure(std::span<const CompositeTask> run_to_come, const StopAsked& stop) {
    const CudaRange range("calibrate");
    const auto start = std::chrono::steady_clock::now();
    const CompositeSample sample = draw_sample(run_to_come);
    if (sample.tasks.empty()) return;
    if (needs_scales()) {
      ThreadPool pool(options_.threads);
      options_.calibration = backdrop::calibrate(network_, calibration_photos(sample, *backgrounds_), pool);
      has_scales_of_run_ = true;
      use_scales();
    }
    const auto go_on = [&] {
      if (stop && stop()) throw Error(ErrorCode::interrupted, "interrupted while calibrating");
    };
    go_on();
    const SampleLogits exact = logits_of(sample, &recheck_->exact());
    go_on();
    const SampleLogits fast = logits_of(sample, nullptr);
    if (screening_->has_second()) {
      go_on();
      screening_->measure_second(sample, logits_of(sample, &recheck_->second()), exact);
    }
    screening_->measure(sample, fast, exact);
    screening_->add_calibration_seconds(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
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
  std::optional<CudaDenseLayers> whole_;  // of reuse_
  std::optional<CudaReuse> reuse_;
  std::optional<CudaDense> dense_;
  std::optional<CudaRecheck> recheck_;
  std::vector<Mask> masks_;      // of the run to come, some of them
  std::size_t foregrounds_ = 0;  // how many it has
  bool has_scales_of_run_ = false;
  SearchProfile* profile_ = nullptr;
  int rows_ = 0;
  std::size_t cache_limit_ = 0;             // after the device ran out of memory
  std::int64_t earlier_multiply_adds_ = 0;  // by runners that were replaced
};

}  // namespace

std::unique_ptr<PeerEngine> make_one_cuda_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                                 const EngineOptions& options, int gpu) {
  return std::make_unique<CudaEngine>(std::move(network), map, options, gpu);
}

}  // namespace backdrop
