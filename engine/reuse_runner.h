/// \file
/// Exact reuse: runs foregrounds over resident backgrounds, computing only the mixed positions of each layer.
///
/// Work is split into pieces of one foreground and a run of backgrounds; a piece is one thread's, batch by
/// batch. Behind the cut (batch_rows.h) composites wait for each other, of whatever foreground; the fully
/// connected layers run on still larger batches, since they read all their weights for each.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/aligned.h"
#include "core/parallel.h"
#include "engine/background_cache.h"
#include "engine/decision_writer.h"
#include "engine/foreground_pass.h"
#include "engine/position_network.h"
#include "engine/search_profile.h"
#include "engine/tail_plan.h"

namespace backdrop {

struct ReuseOptions {
  BatchRows rows = 4;            ///< backgrounds a batch
  int hand_off = 0;              ///< the first layer whose every position is computed
  std::size_t cache_memory = 0;  ///< bytes for cached background features
};

class ReuseRunner {
 public:
  /// In fp32. `pool` must outlive the runner.
  ReuseRunner(std::shared_ptr<const Network> network, const ReuseOptions& options, ThreadPool& pool);
  /// With the layers and the batch of `layers`.
  ReuseRunner(std::unique_ptr<const PositionNetwork> layers, const ReuseOptions& options, ThreadPool& pool);
  ~ReuseRunner();

  /// The photos that background indices mean; must be called before `run`.
  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds);
  /// Takes the memory for their features.
  void reserve() { cache_.reserve(); }
  void run(std::span<const CompositeTask> tasks, const LogitSink& sink);

  /// Adds where the time goes to `profile` from now on; null: nowhere.
  void set_profile(SearchProfile* profile);
  /// The threads' time for features of backgrounds alone.
  void time_features(StepTime* step) { cache_.set_timer(step); }
  /// Drops features and passes at hand: the next run makes its own.
  void forget();

  const PositionNetwork& layers() const { return *layers_; }
  const BackgroundCache& cache() const { return cache_; }
  /// Multiply-adds done for composites so far, counted in the kernels: the mixed positions' share only.
  std::int64_t multiply_adds() const { return multiply_adds_; }
  std::size_t workspace_bytes() const;

 private:
  struct Piece;
  struct SharedPass;
  struct Worker;

  /// Backgrounds of a piece, at most, where there are so many composites.
  std::size_t piece_size(std::size_t composites) const;
  void run_resident(std::span<const CompositeTask> tasks, const std::vector<std::vector<std::size_t>>& chosen,
                    const LogitSink& sink);
  std::shared_ptr<SharedPass> find_pass(const CompositeTask& task) const;
  void run_piece(const Piece& piece, Worker& worker, const LogitSink& sink);
  /// The layers before the cut, of one foreground's composites: a deep batch gets their last value.
  void run_shallow(const ForegroundPass& pass, std::span<const int> backgrounds, Worker& worker);
  /// The layers behind it, of the last `rows` composites that wait.
  void run_deep(std::size_t rows, Worker& worker);
  /// The fully connected layers, of all that wait.
  void finish(Worker& worker, const LogitSink& sink);
  /// What is left in the end.
  void flush(Worker& worker, const LogitSink& sink);
  std::int64_t run_layer(int index, const PositionList* list, const TileList* tiles, int rows,
                         const kernels::RowPointers& input, const kernels::RowPointers* residual,
                         const std::byte* starts, void* const* output, Worker& worker);
  kernels::RowPointers pointers(const ForegroundPass& pass, int value, std::span<const int> backgrounds,
                                const Worker& worker) const;
  kernels::RowPointers deep_pointers(int value, std::size_t rows, const Worker& worker) const;
  /// A row of a deep value, or of the one that the fully connected layers read.
  std::byte* deep_row(int value, std::size_t row, const Worker& worker) const;

  std::unique_ptr<const PositionNetwork> layers_;
  const Network& network_;
  BatchRows rows_;
  ThreadPool& pool_;
  int hand_off_;
  int cut_;  // the first deep layer
  MemoryPlan deep_;
  BackgroundCache cache_;
  TailPlan tail_;
  std::shared_ptr<const std::vector<Image>> backgrounds_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // The last foregrounds: a search that cuts their backgrounds over several calls comes back to them.
  std::vector<std::shared_ptr<SharedPass>> recent_;
  std::atomic<std::int64_t> multiply_adds_{0};
  SearchProfile* profile_ = nullptr;
};

}  // namespace backdrop
