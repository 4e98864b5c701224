#include "engine/cuda_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/parallel.h"
#include "engine/hand_off.h"

namespace backdrop {
namespace {

// Two tiles of the position convolution for each position: with 128 rows a ResNet-50's layer3 has 1.5 tiles a
// multiprocessor of an H100, which take as long as 2.
constexpr int kRows = 256;
constexpr int kLeastRows = 32;  // where memory is short
constexpr int kMostListMakers = 8;
constexpr double kCacheShare = 0.8;  // of the memory that is free beside activations

std::size_t free_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), "asking for free memory");
  return free;
}

}  // namespace

CudaRunner::CudaRunner(const CudaLayers& layers, const std::int32_t* in9, const EngineOptions& options,
                       const CudaDevice& device, const CudaRecheck& recheck, PlanFolder& plans)
    : layers_(layers),
      in9_(in9),
      options_(options),
      device_(device),
      recheck_(recheck),
      plans_(plans),
      rows_(clamp_rows(layers.network(), options.batch > 0 ? options.batch : rows_for_memory())) {}

int CudaRunner::rows_for_memory() const {
  const std::size_t most = free_memory() / 4;
  int rows = kRows;
  while (rows > kLeastRows && activation_bytes(layers_.network(), layers_.widest_form(), rows) > most)
    rows /= 2;
  return rows;
}

std::size_t CudaRunner::cache_memory() const {
  if (cache_limit_ > 0) return cache_limit_;
  if (options_.cache_memory > 0) return options_.cache_memory;
  const std::size_t free = free_memory();
  const std::size_t kept =
      activation_bytes(layers_.network(), layers_.widest_form(), rows_) + recheck_.bytes_to_come();
  return static_cast<std::size_t>(kCacheShare * static_cast<double>(free - std::min(kept, free)));
}

// This GPU's share of the CPU's threads; more would make lists faster than any GPU takes them.
int CudaRunner::list_makers() const {
  const int threads = options_.threads > 0 ? options_.threads : available_threads();
  return std::clamp(threads / static_cast<int>(options_.gpus.size()), 1, kMostListMakers);
}

void CudaRunner::set_photos(const CudaPhotos& photos) {
  drop_reuse();
  masks_.clear();
  photos_ = &photos;
}

void CudaRunner::set_run(std::span<const Mask* const> masks) {
  drop_reuse();
  masks_.clear();
  for (const Mask* mask : sample_masks(masks)) masks_.push_back(*mask);
  foregrounds_ = masks.size();
}

void CudaRunner::set_run(std::span<const CompositeTask> tasks) {
  if (masks_.empty()) set_run(masks_of(tasks));
}

void CudaRunner::forget_weights() {
  drop_reuse();
  whole_.reset();
  drop_dense();
}

void CudaRunner::set_profile(SearchProfile* profile) {
  profile_ = profile;
  if (reuse_) reuse_->set_profile(profile);
  if (dense_) dense_->set_profile(profile);
}

void CudaRunner::run(std::span<const CompositeTask> tasks, const DecisionSink& sink) {
  make();
  if (options_.reuse) return reuse_->run(tasks, sink);
  dense_->run(tasks, *photos_, sink);
}

void CudaRunner::make() {
  if (options_.reuse) {
    if (!reuse_) make_reuse();
  } else {
    if (!dense_) make_dense();
  }
}

void CudaRunner::make_reuse() {
  if (!whole_) whole_.emplace(layers_, rows_, options_.gpu_without, plans_);
  std::vector<const Mask*> masks;
  for (const Mask& mask : masks_) masks.push_back(&mask);
  const std::size_t memory = cache_memory();
  // The choice is made for values of four bytes.
  const HandOffChoice choice = choose_hand_off(
      layers_.network(), masks, foregrounds_, std::max<std::size_t>(1, photos_->count),
      memory / layers_.widest_bytes() * 4, [&](int first, int layer) { return whole_->pace(first, layer); });
  reuse_.emplace(*whole_, *photos_, in9_, CudaReuseOptions{choice.hand_off, memory, list_makers()});
  reuse_->set_profile(profile_);
}

void CudaRunner::make_dense() {
  dense_.emplace(layers_, in9_, rows_, options_.gpu_without, plans_);
  dense_->set_profile(profile_);
}

void CudaRunner::drop_reuse() {
  if (reuse_) earlier_multiply_adds_ += reuse_->multiply_adds();
  reuse_.reset();
}

void CudaRunner::drop_dense() {
  if (dense_) earlier_multiply_adds_ += dense_->multiply_adds();
  dense_.reset();
}

bool CudaRunner::halve_cache() {
  if (tile() <= std::min(rows_, kLeastCached)) return false;
  cache_limit_ = reuse_->cache().bytes() / 2;
  if (options_.complain)
    options_.complain(
        fmt::format("GPU {} is out of memory: its cache of background features is halved to {} MiB",
                    device_.index, cache_limit_ >> 20));
  drop_reuse();
  return true;
}

std::optional<int> CudaRunner::hand_off() const {
  if (!reuse_) return std::nullopt;
  return reuse_->hand_off();
}

std::int64_t CudaRunner::multiply_adds() const {
  return earlier_multiply_adds_ + (reuse_ ? reuse_->multiply_adds() : 0) +
         (dense_ ? dense_->multiply_adds() : 0);
}

std::size_t CudaRunner::workspace_bytes() const {
  return (reuse_ ? reuse_->workspace_bytes() : 0) + (whole_ ? whole_->workspace_bytes() : 0) +
         (dense_ ? dense_->workspace_bytes() : 0);
}

std::string CudaRunner::libraries() const {
  if (dense_) return ", " + dense_->libraries();
  const std::string whole = reuse_ ? reuse_->libraries() : "";
  return whole.empty() ? "" : ", whole images: " + whole;
}

}  // namespace backdrop
