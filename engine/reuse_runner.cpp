#include "engine/reuse_runner.h"

#include <algorithm>
#include <mutex>
#include <numeric>

namespace backdrop {
namespace {

using kernels::RowPointers;
using kernels::Source;

constexpr int kTailBatch = 32;  // composites that share one read of the fully connected weights
constexpr std::size_t kHeavyTail = std::size_t{16}
                                   << 20;  // bytes of those weights from which a short batch is felt

}  // namespace

// A foreground's pass, made by the first piece that needs it and freed after the last, unless it is among the
// recent.
struct ReuseRunner::SharedPass {
  Image photo;
  Mask mask;
  std::once_flag made;
  std::unique_ptr<ForegroundPass> pass;

  SharedPass(const Image& of_photo, const Mask& of_mask) : photo(of_photo), mask(of_mask) {}
  bool is_of(const CompositeTask& task) const {
    return photo.pixels == task.foreground->pixels && mask.values == task.mask->values;
  }
};

// Places in one task's list of backgrounds, for one thread.
struct ReuseRunner::Piece {
  const CompositeTask* task = nullptr;
  std::span<const std::size_t> places;
  std::shared_ptr<SharedPass> shared;
};

// What one thread works in.
struct ReuseRunner::Worker {
  AlignedBuffer tail;
  AlignedBuffer mixed;
  AlignedBuffer scratch;

  void reserve(std::size_t tail_bytes, std::size_t mixed_bytes, std::size_t scratch_bytes) {
    if (scratch.size() < scratch_bytes) scratch = AlignedBuffer(scratch_bytes);
    if (tail.size() < tail_bytes) {
      tail = AlignedBuffer(tail_bytes);
      // The last batch may be short: what lies in its unused places must at least be numbers.
      std::fill_n(tail.data(), tail.size(), std::byte{0});
    }
    if (mixed.size() < mixed_bytes) {
      mixed = AlignedBuffer();
      mixed = AlignedBuffer(mixed_bytes);
    }
  }
};

ReuseRunner::ReuseRunner(std::shared_ptr<const Network> network, const ReuseOptions& options,
                         ThreadPool& pool)
    : ReuseRunner(make_float_network(std::move(network), options.rows, best_instruction_set()), options,
                  pool) {}

ReuseRunner::ReuseRunner(std::unique_ptr<const PositionNetwork> layers, const ReuseOptions& options,
                         ThreadPool& pool)
    : layers_(std::move(layers)),
      network_(layers_->network()),
      rows_(layers_->rows()),
      pool_(pool),
      hand_off_(options.hand_off),
      cache_(*layers_, options.hand_off, options.cache_memory, pool),
      tail_(layers_->shared_network(), layers_->layers(),
            (kTailBatch + rows_.deep - 1) / rows_.deep * rows_.deep) {
  for (int i = 0; i < pool.threads(); ++i) workers_.push_back(std::make_unique<Worker>());
}

ReuseRunner::~ReuseRunner() = default;

void ReuseRunner::set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) {
  backgrounds_ = std::move(backgrounds);
  cache_.clear(backgrounds_->size());
}

void ReuseRunner::set_profile(SearchProfile* profile) {
  profile_ = profile;
  cache_.set_timer(profile != nullptr ? &profile->cache_fill : nullptr);
}

void ReuseRunner::forget() {
  recent_.clear();
  if (backgrounds_) cache_.clear(backgrounds_->size());
}

void ReuseRunner::run(std::span<const CompositeTask> tasks, const LogitSink& sink) {
  // Every background that some task names, in their order of index, a tile at a time.
  std::vector<int> wanted;
  for (const CompositeTask& task : tasks)
    wanted.insert(wanted.end(), task.backgrounds.begin(), task.backgrounds.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());

  const std::size_t capacity = cache_.capacity();
  for (std::size_t first = 0; first < wanted.size(); first += capacity) {
    const auto tile = std::span(wanted).subspan(first, std::min(capacity, wanted.size() - first));
    cache_.make_resident(tile, *backgrounds_);
    std::vector<std::vector<std::size_t>> chosen(tasks.size());
    for (std::size_t t = 0; t < tasks.size(); ++t)
      for (std::size_t i = 0; i < tasks[t].backgrounds.size(); ++i)
        if (tasks[t].backgrounds[i] >= tile.front() && tasks[t].backgrounds[i] <= tile.back())
          chosen[t].push_back(i);
    run_resident(tasks, chosen, sink);
  }
}

void ReuseRunner::run_resident(std::span<const CompositeTask> tasks,
                               const std::vector<std::vector<std::size_t>>& chosen, const LogitSink& sink) {
  std::size_t composites = 0;
  for (const auto& places : chosen) composites += places.size();
  // About eight pieces a thread keep all of them busy to the end; whole batches keep each busy within.
  const auto threads = static_cast<std::size_t>(pool_.threads());
  const std::size_t rows = composites / threads >= std::size_t(rows_.deep) ? rows_.deep : rows_.shallow;
  const std::size_t even = composites / (8 * threads) + 1;
  const std::size_t wanted =
      tail_.weight_bytes() > kHeavyTail ? tail_.batch() : std::max(rows_.deep, 2 * rows_.shallow);
  // Of a handful of composites every thread gets some.
  const std::size_t each = composites / threads / rows * rows;
  const std::size_t least = std::clamp(each, rows, std::max(wanted, rows));
  const std::size_t piece_size = std::max<std::size_t>((even + rows - 1) / rows * rows, least);

  std::vector<Piece> pieces;
  std::vector<std::shared_ptr<SharedPass>> used;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (chosen[t].empty()) continue;
    std::shared_ptr<SharedPass> shared = find_pass(tasks[t]);
    for (std::size_t first = 0; first < chosen[t].size(); first += piece_size) {
      const auto places = std::span(chosen[t]).subspan(first, std::min(piece_size, chosen[t].size() - first));
      pieces.push_back({&tasks[t], places, shared});
    }
    used.push_back(std::move(shared));
    if (used.size() > 2 * workers_.size()) used.erase(used.begin());
  }
  recent_ = std::move(used);
  pool_.run(pieces.size(), [&](std::size_t i, int worker) {
    run_piece(pieces[i], *workers_[worker], sink);
    pieces[i].shared.reset();
  });
}

std::shared_ptr<ReuseRunner::SharedPass> ReuseRunner::find_pass(const CompositeTask& task) const {
  for (const auto& pass : recent_)
    if (pass->is_of(task)) return pass;
  return std::make_shared<SharedPass>(*task.foreground, *task.mask);
}

void ReuseRunner::run_piece(const Piece& piece, Worker& worker, const LogitSink& sink) {
  std::call_once(piece.shared->made, [&] {
    const StepTimer timer(profile_ != nullptr ? &profile_->foreground_pass : nullptr);
    piece.shared->pass =
        std::make_unique<ForegroundPass>(*layers_, hand_off_, *piece.task->foreground, *piece.task->mask);
  });
  const ForegroundPass& pass = *piece.shared->pass;
  worker.reserve(tail_.arena_bytes(), pass.lists().mixed.bytes, layers_->scratch_bytes());

  const std::size_t tail_batch = tail_.batch();
  const std::size_t deep = rows_.deep;
  const std::size_t shallow = rows_.shallow;
  std::vector<int> backgrounds;
  for (std::size_t first = 0; first < piece.places.size(); first += tail_batch) {
    const auto places = piece.places.subspan(first, std::min(tail_batch, piece.places.size() - first));
    float* tail_input = tail_.input(worker.tail.data());
    for (std::size_t done = 0; done < places.size(); done += deep) {
      backgrounds.clear();
      for (const std::size_t place : places.subspan(done, std::min(deep, places.size() - done)))
        backgrounds.push_back(piece.task->backgrounds[place]);
      float* deep_input = tail_input + done * network_.shape(layers_->layers()).size();
      for (std::size_t row = 0; row < backgrounds.size(); row += shallow)
        run_layers(0, rows_.cut, pass,
                   std::span(backgrounds).subspan(row, std::min(shallow, backgrounds.size() - row)), row,
                   worker, deep_input);
      run_layers(rows_.cut, layers_->layers(), pass, backgrounds, 0, worker, deep_input);
    }
    const float* logits = tail_.run(
        worker.tail.data(), profile_ != nullptr ? profile_->layers.data() + layers_->layers() : nullptr);
    for (std::size_t i = 0; i < places.size(); ++i)
      sink.write(*piece.task, places[i], logits + i * network_.classes());
  }
}

RowPointers ReuseRunner::pointers(const ForegroundPass& pass, int value, std::span<const int> backgrounds,
                                  const Worker& worker) const {
  RowPointers result;
  const std::int64_t stride = mixed_layout(network_, value, rows_.of_value(value)).row_stride *
                              static_cast<std::int64_t>(layers_->element_bytes());
  const std::byte* mixed = worker.mixed.data() + pass.lists().mixed.offsets[value];
  for (std::size_t r = 0; r < backgrounds.size(); ++r) {
    result.rows[static_cast<int>(Source::mixed)][r] = mixed + r * stride;
    result.rows[static_cast<int>(Source::foreground)][r] = pass.value(value);
    if (value <= hand_off_)
      result.rows[static_cast<int>(Source::background)][r] = cache_.value(backgrounds[r], value);
  }
  return result;
}

void ReuseRunner::run_layers(int first, int last, const ForegroundPass& pass,
                             std::span<const int> backgrounds, std::size_t first_row, Worker& worker,
                             float* tail_input) {
  const int rows = static_cast<int>(backgrounds.size());
  std::int64_t multiply_adds = 0;
  for (int i = first; i < last; ++i) {
    const Layer& layer = network_.layers[i];
    const RowPointers input = pointers(pass, layer.input, backgrounds, worker);
    RowPointers residual;
    if (layer.residual >= 0) residual = pointers(pass, layer.residual, backgrounds, worker);
    const bool to_tail = i + 1 == layers_->layers();
    const std::size_t element_bytes = to_tail ? sizeof(float) : layers_->element_bytes();
    const std::size_t stride =
        mixed_layout(network_, i + 1, rows_.of_value(i + 1)).row_stride * element_bytes;
    std::byte* row = to_tail ? reinterpret_cast<std::byte*>(tail_input)
                             : worker.mixed.data() + pass.lists().mixed.offsets[i + 1];
    if (i + 1 == last) row += first_row * stride;
    void* output[kernels::kMaxRows];
    for (int r = 0; r < rows; ++r) output[r] = row + r * stride;
    const RowPointers* added = layer.residual >= 0 ? &residual : nullptr;
    const LayerLists& lists = pass.lists().layers[i];
    StepTime* step = profile_ != nullptr ? &profile_->layers[i] : nullptr;
    const StepTimer timer(step);
    const std::int64_t done =
        lists.tiles ? layers_->run_tiles(i, *lists.tiles, rows, input, added, output, worker.scratch.data())
                    : layers_->run_positions(i, *lists.mixed, rows, input, added, pass.starts(i), output);
    if (step != nullptr) step->multiply_adds += done;
    if (step != nullptr && lists.tiles) step->tile_multiply_adds += done;
    multiply_adds += done;
  }
  multiply_adds_ += multiply_adds;
}

std::size_t ReuseRunner::workspace_bytes() const {
  std::size_t bytes = cache_.bytes();
  for (const auto& worker : workers_)
    bytes += worker->tail.size() + worker->mixed.size() + worker->scratch.size();
  return bytes;
}

}  // namespace backdrop
