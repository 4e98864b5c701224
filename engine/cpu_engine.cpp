#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "backdrop/error.h"
#include "core/parallel.h"
#include "engine/batch_rows.h"
#include "engine/batch_runner.h"
#include "engine/decision_writer.h"
#include "engine/engine.h"
#include "engine/hand_off.h"
#include "engine/input_checks.h"
#include "engine/position_sets.h"
#include "engine/reuse_runner.h"
#include "engine/screened_runner.h"
#include "engine/tail_plan.h"

namespace backdrop {
namespace {

// Composites a batch, so that the largest layer's input and output stay in this thread's share of the
// last-level cache; at least four, so that the weights are not read anew for each.
int choose_batch(const Network& network, int threads) {
  std::int64_t largest = 1;
  for (const Layer& layer : network.layers)
    largest = std::max<std::int64_t>(largest, (layer.in.size() + layer.out.size()) * sizeof(float));
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  const std::int64_t share = (cache > 0 ? cache : 16 << 20) / threads;
  return static_cast<int>(std::clamp<std::int64_t>(share / largest, 4, 16));
}

const char* needed_instructions(Precision precision) {
  if (precision == Precision::int16) return "AVX2";
  return precision == Precision::int8 ? "AVX512-VNNI" : "AVX512-BF16";
}

class CpuEngine final : public Engine {
 public:
  CpuEngine(std::shared_ptr<const Network> network, const ClassMap& map, const EngineOptions& options)
      : network_(std::move(network)),
        options_(options),
        writer_(map, network_->classes()),
        pool_(options.threads) {
    if (options.precision != Precision::fp32) check_reduced();
  }

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    for (const Image& image : *backgrounds) check_size(*network_, image.height, image.width);
    backgrounds_ = std::move(backgrounds);
    if (positions_) positions_->set_backgrounds(backgrounds_);
    if (screened_) screened_->set_backgrounds(backgrounds_);
  }

  void prepare(std::span<const Mask* const> masks) override {
    if (!on_positions() || masks.empty()) return;
    for (const Mask* mask : masks) check_size(*network_, mask->height, mask->width);
    cache_memory_ = options_.cache_memory > 0 ? options_.cache_memory : default_cache_memory();
    const std::size_t backgrounds = backgrounds_ ? backgrounds_->size() : 1;
    hand_off_ = options_.reuse ? choose_hand_off(*network_, sample_masks(masks), masks.size(), backgrounds,
                                                 cache_memory_)
                                     .hand_off
                               : 0;
    positions_.reset();
    screened_.reset();
    if (!options_.choose_precision) make_runner();
  }

  bool set_profile(SearchProfile* profile) override {
    if (profile != nullptr && !on_positions()) return false;
    profile_ = profile;
    if (positions_ && profile_ != nullptr) positions_->forget();
    if (positions_) positions_->set_profile(profile_);
    if (screened_) screened_->set_profile(profile_);
    return true;
  }

  void calibrate(std::span<const CompositeTask> run, const StopAsked& stop) override {
    for (const CompositeTask& task : run)
      check_task(*network_, task, backgrounds_ ? backgrounds_->size() : 0);
    if (run.empty()) return;
    if (options_.choose_precision)
      choose_precision(run, stop);
    else if (screened_)
      screened_->calibrate(run, stop);
    if (screened_) screened_->reserve();
  }

  void classify_composites(std::span<const CompositeTask> tasks) override {
    for (const CompositeTask& task : tasks)
      check_task(*network_, task, backgrounds_ ? backgrounds_->size() : 0);
    if (tasks.empty()) return;
    if (!on_positions()) return dense().run(tasks, *backgrounds_, writer_);
    if (!positions_ && !screened_) {
      prepare(masks_of(tasks));
      if (options_.choose_precision) calibrate(tasks, {});
    }
    if (screened_) return screened_->run(tasks, writer_);
    positions_->run(tasks, writer_);
  }

  void classify_images(std::span<const Image> images, float* logits) override {
    for (const Image& image : images) check_size(*network_, image.height, image.width);
    dense().run(images, network_->classes(), logits);
  }

  int classes() const override { return network_->classes(); }
  int batch() const override { return on_positions() ? position_rows() : dense_batch(); }
  int tile() const override {
    if (screened_) return screened_->tile();
    return positions_ ? positions_->cache().capacity() : 0;
  }
  int threads() const override { return pool_.threads(); }
  std::optional<int> hand_off() const override {
    if (!on_positions() || !options_.reuse) return std::nullopt;
    return hand_off_;
  }
  int rows_of_layer(int layer) const override {
    if (!on_positions()) return batch();
    const BatchRows rows = batch_rows(options_.precision);
    return layer < first_fully_connected(*network_) ? rows.of_layer(layer) : tail_batch(rows.deep);
  }
  bool splits_layer(int layer) const override { return positions_ && positions_->layers().splits(layer); }
  // What is decided again is a small part of it, and shall keep all threads busy as well; and a call of fast
  // composites is short beside the wait for its last one.
  int fill() const override { return (screened_ ? 4 : 1) * Engine::fill(); }
  std::int64_t multiply_adds() const override {
    return (positions_ ? positions_->multiply_adds() : 0) + (screened_ ? screened_->multiply_adds() : 0) +
           (dense_ ? dense_->composites() * network_->macs() : 0);
  }
  std::size_t workspace_bytes() const override {
    return (dense_ ? dense_->workspace_bytes() : 0) + (positions_ ? positions_->workspace_bytes() : 0) +
           (screened_ ? screened_->workspace_bytes() : 0);
  }
  std::optional<ScreeningReport> screening() const override {
    if (!screened_) return std::nullopt;
    return screened_->report();
  }
  std::size_t cache_bytes() const override {
    return (positions_ ? positions_->cache().bytes() : 0) + (screened_ ? screened_->cache_bytes() : 0);
  }
  std::size_t cache_limit() const override { return cache_memory_; }
  std::int64_t background_fills() const override {
    return (positions_ ? positions_->cache().fills() : 0) + (screened_ ? screened_->background_fills() : 0);
  }
  std::string description() const override {
    const std::string start = fmt::format("CPU, {} threads, ", threads());
    if (!on_positions())
      return start + (options_.reference ? "plain reference loops" : "oneDNN") + batch_text();
    return start + instructions() + (options_.reuse ? ", exact reuse" : ", every position") + batch_text();
  }

 private:
  // Our own kernels, over positions: with and without reuse. Processors without AVX2 are better served by
  // oneDNN.
  bool on_positions() const {
    if (options_.reference || options_.onednn) return false;
    return options_.reuse || best_instruction_set() != InstructionSet::portable;
  }
  std::unique_ptr<ScreenedRunner> make_screened(Precision precision) {
    auto runner = std::make_unique<ScreenedRunner>(
        network_,
        ScreenedOptions{precision, options_.portable, batch_rows(precision), batch_rows(Precision::fp32),
                        hand_off_, cache_memory_,
                        needs_calibration(precision) ? options_.calibration : std::nullopt},
        pool_);
    if (backgrounds_) runner->set_backgrounds(backgrounds_);
    return runner;
  }
  void make_runner() {
    if (reduced()) {
      screened_ = make_screened(options_.precision);
      screened_->set_profile(profile_);
      return;
    }
    positions_ = std::make_unique<ReuseRunner>(
        network_, ReuseOptions{batch_rows(Precision::fp32), hand_off_, cache_memory_}, pool_);
    if (backgrounds_) positions_->set_backgrounds(backgrounds_);
    positions_->reserve();
    positions_->set_profile(profile_);
  }
  // The precision with the least predicted time, recheck included; fp32 where none gains.
  void choose_precision(std::span<const CompositeTask> run, const StopAsked& stop) {
    std::unique_ptr<ScreenedRunner> best;
    Precision chosen = Precision::fp32;
    double least = 1;
    std::optional<ExactSample> exact;
    double exact_seconds = 0;
    const bool has_amx = kernels::dot_instructions(Precision::bf16) == kernels::DotInstructions::amx;
    for (const Precision precision : {Precision::int8, Precision::bf16, Precision::int16}) {
      // Beside AMX's bfloat16 it has no chance; beside AVX-512's it may have: it is more exact, and on some
      // processors twice as fast.
      if (precision == Precision::int16 && has_amx) continue;
      if (!on_positions() || (!options_.portable && !kernels::has_dot_instructions(precision))) continue;
      std::unique_ptr<ScreenedRunner> candidate = make_screened(precision);
      if (!exact) {
        exact = candidate->draw_exact(run, stop);
        exact_seconds = candidate->exact_seconds(*exact);
      }
      candidate->calibrate(*exact, stop);
      const double cost = candidate->relative_cost(*exact, exact_seconds);
      if (cost >= least) continue;
      least = cost;
      chosen = precision;
      best = std::move(candidate);
    }
    options_.choose_precision = false;
    options_.precision = chosen;
    screened_ = std::move(best);
    if (screened_)
      screened_->set_profile(profile_);
    else if (on_positions())
      make_runner();
  }
  bool reduced() const { return options_.precision != Precision::fp32; }
  void check_reduced() const {
    if (options_.precision != Precision::int8 && options_.precision != Precision::int16 &&
        options_.precision != Precision::bf16)
      throw Error(ErrorCode::usage,
                  fmt::format("precision {} is for a GPU: the CPU takes fp32, bf16, int16 and int8",
                              name(options_.precision)));
    if (!options_.portable && !kernels::has_dot_instructions(options_.precision))
      throw Error(ErrorCode::no_device,
                  fmt::format("this processor lacks {}, which precision {} needs: take {}",
                              needed_instructions(options_.precision), name(options_.precision),
                              kernels::has_dot_instructions(Precision::int16) ? "int16 or fp32" : "fp32"));
    if (!on_positions())
      throw Error(ErrorCode::usage, fmt::format("precision {} takes our own kernels: leave out --kernels",
                                                name(options_.precision)));
  }
  std::string instructions() const {
    if (!reduced()) return name(best_instruction_set()) + (splits() ? " and AMX" : "");
    if (options_.portable) return fmt::format("{} by plain loops", name(options_.precision));
    return fmt::format("{} by {}", name(options_.precision),
                       kernels::name(kernels::dot_instructions(options_.precision)));
  }
  bool splits() const {
    bool any = false;
    for (int i = 0; positions_ && i < positions_->layers().layers(); ++i) any = any || splits_layer(i);
    return any;
  }
  int position_rows() const { return rows_of(options_.precision); }
  // The height of the register block, so that what a batch writes stays in cache.
  int rows_of(Precision precision) const {
    if (options_.batch > 0) return std::min(options_.batch, kernels::kMaxRows);
    return precision == Precision::fp32
               ? kernels::position_block(best_instruction_set()).rows
               : kernels::dot_block(precision, kernels::kLineBytes, options_.portable).rows;
  }
  BatchRows batch_rows(Precision precision) const {
    const int rows = rows_of(precision);
    if (options_.batch > 0) return rows;
    return choose_batch_rows(*network_, hand_off_, rows, element_bytes(precision));
  }
  int dense_batch() const {
    if (options_.reference) return 1;
    return options_.batch > 0 ? options_.batch : choose_batch(*network_, pool_.threads());
  }
  std::string batch_text() const { return fmt::format(", batch {}", batch()); }

  // Made on first use: beside our own kernels it serves plain photos only.
  BatchRunner& dense() {
    if (!dense_) {
      auto plan =
          options_.reference ? make_reference_plan(network_) : make_dense_plan(network_, dense_batch());
      dense_ = std::make_unique<BatchRunner>(std::move(plan), network_->normalization, pool_);
    }
    return *dense_;
  }

  std::shared_ptr<const Network> network_;
  EngineOptions options_;
  DecisionWriter writer_;
  ThreadPool pool_;
  std::unique_ptr<BatchRunner> dense_;
  std::unique_ptr<ReuseRunner> positions_;
  std::unique_ptr<ScreenedRunner> screened_;
  std::size_t cache_memory_ = 0;  // for background features
  std::shared_ptr<const std::vector<Image>> backgrounds_;
  SearchProfile* profile_ = nullptr;
  int hand_off_ = 0;  // of the last `prepare`
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                        const EngineOptions& options) {
  return std::make_unique<CpuEngine>(std::move(network), map, options);
}

}  // namespace backdrop
