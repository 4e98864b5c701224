/// \file
/// The backgrounds on the device: all photos as bytes, and the cached features of some.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/cuda_layers.h"
#include "engine/cuda_memory.h"
#include "engine/cuda_step_clock.h"
#include "loaders/image.h"

namespace backdrop {

/// Photos on the device, [B][pixels][3].
struct CudaPhotos {
  DeviceBuffer bytes;
  std::size_t count = 0;
  int pixels = 0;
};

CudaPhotos upload_photos(std::span<const Image> photos);

/// Backgrounds that a cache holds at least. Fewer than a batch are better than none: a device of 12 GB has
/// room for half of the 256 of a ResNet-50 in fp32.
inline constexpr int kLeastCached = 32;

/// Values 0..hand_off of resident backgrounds, each value [slot][H][W][C]. Slots are filled once and
/// replaced, least recently used first. `layers` and `photos` must outlive the cache.
class CudaCache {
 public:
  /// Room for at most `memory` bytes and all photos; half of that, and again half, while the device refuses;
  /// never less than `rows` backgrounds or kLeastCached.
  CudaCache(const CudaLayers& layers, const CudaPhotos& photos, int hand_off, int rows, std::size_t memory);

  /// Enqueues the features of those of `backgrounds` (at most capacity()) that are not resident; returns when
  /// they are done.
  void make_resident(std::span<const int> backgrounds, cudaStream_t stream, CudaStepClock& clock);
  /// Nothing is resident any more.
  void forget();

  int slot(int background) const { return slot_of_[background]; }
  const void* value(int v) const { return memory_.data() + offsets_[v] * capacity_; }
  int capacity() const { return capacity_; }
  std::size_t bytes() const { return memory_.size(); }
  std::int64_t fills() const { return fills_; }

 private:
  int take_slot();
  void fill(std::span<const int> backgrounds, cudaStream_t stream, CudaStepClock& clock);

  const CudaLayers& layers_;
  const CudaPhotos& photos_;
  int hand_off_;
  int rows_;
  std::vector<std::size_t> offsets_;  // of each value, in bytes a slot
  int capacity_ = 0;
  DeviceBuffer memory_;
  Upload upload_;
  std::vector<int> owner_;           // of each slot: a background, or -1
  std::vector<std::uint64_t> used_;  // of each slot: the call that used it last
  std::vector<int> slot_of_;         // of each background: a slot, or -1
  std::uint64_t call_ = 0;
  std::int64_t fills_ = 0;
};

}  // namespace backdrop
