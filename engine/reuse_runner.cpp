#include "engine/reuse_runner.h"

#include <algorithm>
#include <mutex>

#include "core/rounding.h"

namespace backdrop {
namespace {

using kernels::RowPointers;
using kernels::Source;

// Bytes of those weights from which a short batch is felt.
constexpr std::size_t kHeavyTail = std::size_t{16} << 20;

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
  // A composite whose first layers are done.
  struct Waiting {
    const CompositeTask* task = nullptr;
    std::size_t place = 0;
  };
  std::vector<Waiting> waiting;  // as many as the fully connected layers take at most
  AlignedBuffer tail;
  AlignedBuffer deep;
  AlignedBuffer mixed;
  AlignedBuffer scratch;

  void reserve(std::size_t tail_bytes, std::size_t deep_bytes, std::size_t mixed_bytes,
               std::size_t scratch_bytes) {
    if (scratch.size() < scratch_bytes) scratch = AlignedBuffer(scratch_bytes);
    if (deep.size() < deep_bytes) deep = AlignedBuffer(deep_bytes);
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
    : ReuseRunner(make_float_network(std::move(network), options.rows, best_instruction_set(), pool), options,
                  pool) {}

ReuseRunner::ReuseRunner(std::unique_ptr<const PositionNetwork> layers, const ReuseOptions& options,
                         ThreadPool& pool)
    : layers_(std::move(layers)),
      network_(layers_->network()),
      rows_(layers_->rows()),
      pool_(pool),
      hand_off_(options.hand_off),
      cut_(std::min(rows_.cut, layers_->layers())),
      deep_(plan_deep_values(network_, rows_, layers_->whole().element_bytes)),
      cache_(*layers_, options.hand_off, options.cache_memory, pool),
      tail_(layers_->shared_network(), layers_->layers(), tail_batch(rows_.deep)) {
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

// About eight pieces a thread keep all of them busy to the end; whole batches keep each busy within, and
// those of a heavy tail are long: of few pieces, every thread gets as many.
std::size_t ReuseRunner::piece_size(std::size_t composites) const {
  const auto threads = static_cast<std::size_t>(pool_.threads());
  const std::size_t rows = composites / threads >= std::size_t(rows_.deep) ? rows_.deep : rows_.shallow;
  const std::size_t even = divide_up(composites, 8 * threads);
  const std::size_t wanted =
      tail_.weight_bytes() > kHeavyTail ? tail_.batch() : std::max(rows_.deep, 2 * rows_.shallow);
  // Of a handful of composites every thread gets some.
  const std::size_t each = composites / threads / rows * rows;
  const std::size_t most = std::clamp(each, rows, std::max(wanted, rows));
  const std::size_t rounds = divide_up(composites, most * threads);
  const std::size_t least = divide_up(composites, rounds * threads);
  return round_up(std::max(even, least), rows);
}

void ReuseRunner::run_resident(std::span<const CompositeTask> tasks,
                               const std::vector<std::vector<std::size_t>>& chosen, const LogitSink& sink) {
  std::size_t composites = 0;
  for (const auto& places : chosen) composites += places.size();
  const std::size_t most = piece_size(composites);
  std::vector<Piece> pieces;
  std::vector<std::shared_ptr<SharedPass>> used;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (chosen[t].empty()) continue;
    std::shared_ptr<SharedPass> shared = find_pass(tasks[t]);
    for (std::size_t first = 0; first < chosen[t].size(); first += most) {
      const auto places = std::span(chosen[t]).subspan(first, std::min(most, chosen[t].size() - first));
      pieces.push_back({&tasks[t], places, shared});
    }
    used.push_back(std::move(shared));
    if (used.size() > 2 * workers_.size()) used.erase(used.begin());
  }
  recent_ = std::move(used);
  for (const auto& worker : workers_) worker->waiting.clear();
  pool_.run(pieces.size(), [&](std::size_t i, int worker) {
    run_piece(pieces[i], *workers_[worker], sink);
    pieces[i].shared.reset();
  });
  pool_.run(workers_.size(), [&](std::size_t i, int) { flush(*workers_[i], sink); });
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
  worker.reserve(tail_.arena_bytes(), deep_.bytes, pass.lists().mixed.bytes, layers_->scratch_bytes());

  const auto deep = static_cast<std::size_t>(rows_.deep);
  std::vector<int> backgrounds;
  for (std::size_t done = 0; done < piece.places.size(); done += backgrounds.size()) {
    const std::size_t room = deep - worker.waiting.size() % deep;
    const std::size_t rows = std::min({std::size_t(rows_.shallow), room, piece.places.size() - done});
    backgrounds.clear();
    for (const std::size_t place : piece.places.subspan(done, rows))
      backgrounds.push_back(piece.task->backgrounds[place]);
    run_shallow(pass, backgrounds, worker);
    for (const std::size_t place : piece.places.subspan(done, rows))
      worker.waiting.push_back({piece.task, place});
    if (worker.waiting.size() % deep == 0) run_deep(deep, worker);
    if (worker.waiting.size() == static_cast<std::size_t>(tail_.batch())) finish(worker, sink);
  }
}

void ReuseRunner::flush(Worker& worker, const LogitSink& sink) {
  if (const std::size_t rest = worker.waiting.size() % rows_.deep; rest > 0) run_deep(rest, worker);
  if (!worker.waiting.empty()) finish(worker, sink);
}

void ReuseRunner::finish(Worker& worker, const LogitSink& sink) {
  const float* logits = tail_.run(
      worker.tail.data(), profile_ != nullptr ? profile_->layers.data() + layers_->layers() : nullptr);
  for (std::size_t i = 0; i < worker.waiting.size(); ++i)
    sink.write(*worker.waiting[i].task, worker.waiting[i].place, logits + i * network_.classes());
  worker.waiting.clear();
}

RowPointers ReuseRunner::pointers(const ForegroundPass& pass, int value, std::span<const int> backgrounds,
                                  const Worker& worker) const {
  RowPointers result;
  const std::int64_t stride = mixed_layout(network_, value, rows_).row_stride *
                              static_cast<std::int64_t>(layers_->element_bytes(value));
  const std::byte* mixed = worker.mixed.data() + pass.lists().mixed.offsets[value];
  for (std::size_t r = 0; r < backgrounds.size(); ++r) {
    result.rows[static_cast<int>(Source::mixed)][r] = mixed + r * stride;
    result.rows[static_cast<int>(Source::foreground)][r] = pass.value(value);
    if (value <= hand_off_)
      result.rows[static_cast<int>(Source::background)][r] = cache_.value(backgrounds[r], value);
  }
  return result;
}

std::byte* ReuseRunner::deep_row(int value, std::size_t row, const Worker& worker) const {
  const std::size_t stride = mixed_layout(network_, value, rows_).row_stride;
  if (value == layers_->layers())
    return reinterpret_cast<std::byte*>(tail_.input(worker.tail.data()) + row * stride);
  return worker.deep.data() + deep_.offsets[value] + row * stride * layers_->element_bytes(value);
}

RowPointers ReuseRunner::deep_pointers(int value, std::size_t rows, const Worker& worker) const {
  RowPointers result;
  for (std::size_t r = 0; r < rows; ++r)
    result.rows[static_cast<int>(Source::mixed)][r] = deep_row(value, r, worker);
  return result;
}

void ReuseRunner::run_shallow(const ForegroundPass& pass, std::span<const int> backgrounds, Worker& worker) {
  // Of the batch that the last layer writes for: the deep one, or that of the fully connected layers.
  const std::size_t waiting = worker.waiting.size();
  const std::size_t first_row = cut_ == layers_->layers() ? waiting : waiting % rows_.deep;
  std::int64_t multiply_adds = 0;
  for (int i = 0; i < cut_; ++i) {
    const Layer& layer = network_.layers[i];
    const RowPointers input = pointers(pass, layer.input, backgrounds, worker);
    RowPointers residual;
    if (layer.residual >= 0) residual = pointers(pass, layer.residual, backgrounds, worker);
    const RowPointers next = pointers(pass, i + 1, backgrounds, worker);
    void* output[kernels::kMaxRows];
    for (std::size_t r = 0; r < backgrounds.size(); ++r)
      output[r] = i + 1 == cut_ ? deep_row(cut_, first_row + r, worker)
                                : const_cast<void*>(next.rows[static_cast<int>(Source::mixed)][r]);
    const LayerLists& lists = pass.lists().layers[i];
    multiply_adds +=
        run_layer(i, lists.mixed.get(), lists.tiles.get(), static_cast<int>(backgrounds.size()), input,
                  layer.residual >= 0 ? &residual : nullptr, pass.starts(i), output, worker);
  }
  multiply_adds_ += multiply_adds;
}

void ReuseRunner::run_deep(std::size_t rows, Worker& worker) {
  const std::size_t first_row = worker.waiting.size() - rows;  // among those of the fully connected layers
  std::int64_t multiply_adds = 0;
  for (int i = cut_; i < layers_->layers(); ++i) {
    const Layer& layer = network_.layers[i];
    const RowPointers input = deep_pointers(layer.input, rows, worker);
    RowPointers residual;
    if (layer.residual >= 0) residual = deep_pointers(layer.residual, rows, worker);
    void* output[kernels::kMaxRows];
    for (std::size_t r = 0; r < rows; ++r)
      output[r] = deep_row(i + 1, i + 1 == layers_->layers() ? first_row + r : r, worker);
    multiply_adds += run_layer(i, layers_->whole().positions[i].get(), layers_->whole().tiles[i].get(),
                               static_cast<int>(rows), input, layer.residual >= 0 ? &residual : nullptr,
                               nullptr, output, worker);
  }
  multiply_adds_ += multiply_adds;
}

std::int64_t ReuseRunner::run_layer(int index, const PositionList* list, const TileList* tiles, int rows,
                                    const RowPointers& input, const RowPointers* residual,
                                    const std::byte* starts, void* const* output, Worker& worker) {
  StepTime* step = profile_ != nullptr ? &profile_->layers[index] : nullptr;
  const StepTimer timer(step);
  const std::int64_t done = tiles != nullptr ? layers_->run_tiles(index, *tiles, rows, input, residual,
                                                                  output, worker.scratch.data())
                                             : layers_->run_positions(index, *list, rows, input, residual,
                                                                      starts, output, worker.scratch.data());
  if (step != nullptr) step->multiply_adds += done;
  if (step != nullptr && tiles != nullptr) step->tile_multiply_adds += done;
  return done;
}

std::size_t ReuseRunner::workspace_bytes() const {
  std::size_t bytes = cache_.bytes();
  for (const auto& worker : workers_)
    bytes += worker->tail.size() + worker->deep.size() + worker->mixed.size() + worker->scratch.size();
  return bytes;
}

}  // namespace backdrop
