#include "engine/cuda_backgrounds.h"

#include <algorithm>

#include "engine/cuda_range.h"
#include "kernels/composite_cuda.h"

namespace backdrop {

CudaPhotos upload_photos(std::span<const Image> photos) {
  const CudaRange range("load");
  CudaPhotos result;
  result.count = photos.size();
  if (photos.empty()) return result;
  const std::size_t bytes = photos.front().pixels.size();
  result.pixels = static_cast<int>(bytes / 3);
  result.bytes = DeviceBuffer(bytes * photos.size(), "photos");
  for (std::size_t i = 0; i < photos.size(); ++i)
    copy_to_device(result.bytes.data() + i * bytes, photos[i].pixels.data(), bytes, "copying photos");
  return result;
}

CudaCache::CudaCache(const CudaLayers& layers, const CudaPhotos& photos, int hand_off, int rows,
                     std::size_t memory)
    : layers_(layers), photos_(photos), hand_off_(hand_off), rows_(rows), slot_of_(photos.count) {
  std::size_t slot_bytes = 0;
  for (int v = 0; v <= hand_off; ++v) {
    offsets_.push_back(slot_bytes);
    slot_bytes += whole_chunks(layers.network().shape(v).size()) * layers.value_bytes(v);
  }
  const std::size_t most = std::max<std::size_t>(photos.count, 1);
  const int least = std::min(rows, kLeastCached);
  capacity_ =
      static_cast<int>(std::min(std::max(memory / slot_bytes, static_cast<std::size_t>(least)), most));
  while (memory_.size() == 0) {
    try {
      memory_ = DeviceBuffer(slot_bytes * capacity_, "the features of backgrounds");
    } catch (const DeviceMemoryError&) {
      if (capacity_ <= least) throw;
      capacity_ = std::max(capacity_ / 2, least);
    }
  }
  forget();
}

void CudaCache::forget() {
  owner_.assign(capacity_, -1);
  used_.assign(capacity_, 0);
  slot_of_.assign(slot_of_.size(), -1);
}

int CudaCache::take_slot() {
  const int slot = static_cast<int>(std::min_element(used_.begin(), used_.end()) - used_.begin());
  if (used_[slot] == call_)
    throw Error(ErrorCode::failed, "more backgrounds are needed at once than the cache holds");
  if (owner_[slot] >= 0) slot_of_[owner_[slot]] = -1;
  return slot;
}

void CudaCache::make_resident(std::span<const int> backgrounds, cudaStream_t stream, CudaStepClock& clock) {
  ++call_;
  for (const int background : backgrounds)
    if (slot_of_[background] >= 0) used_[slot_of_[background]] = call_;
  try {
    std::vector<int> missing;
    for (const int background : backgrounds) {
      if (slot_of_[background] >= 0) continue;
      const int slot = take_slot();
      slot_of_[background] = slot;
      owner_[slot] = background;
      used_[slot] = call_;
      missing.push_back(background);
    }
    fills_ += static_cast<std::int64_t>(missing.size());
    const std::size_t rows = rows_;
    for (std::size_t first = 0; first < missing.size(); first += rows)
      fill(std::span(missing).subspan(first, std::min(rows, missing.size() - first)), stream, clock);
  } catch (...) {
    forget();  // which slots are filled is not known
    throw;
  }
}

void CudaCache::fill(std::span<const int> backgrounds, cudaStream_t stream, CudaStepClock& clock) {
  std::vector<kernels::CompositePair> pairs;
  std::vector<std::int32_t> slots;
  for (const int background : backgrounds) {
    pairs.push_back({-1, background});
    slots.push_back(slot_of_[background]);
  }
  ListPacker packer;
  const std::size_t pairs_at = packer.add(std::span<const kernels::CompositePair>(pairs));
  const std::size_t slots_at = packer.add(std::span<const std::int32_t>(slots));
  upload_.send(packer.bytes(), stream, "lists of backgrounds");
  const auto* device_slots = upload_.at<std::int32_t>(slots_at);

  const int rows = static_cast<int>(backgrounds.size());
  kernels::CompositeArguments photos;
  photos.backgrounds = photos_.bytes.as<std::uint8_t>();
  photos.pairs = upload_.at<kernels::CompositePair>(pairs_at);
  photos.table = layers_.table();
  photos.slots = device_slots;
  photos.output = const_cast<void*>(value(0));
  photos.composites = rows;
  photos.photo_pixels = photos.pixels = photos_.pixels;
  clock.start(stream);
  {
    const CudaRange range("normalise");
    check_cuda(kernels::composite_cuda(layers_.form(0), photos, stream), "starting the normalisation");
  }

  const auto rows_of = [&](int v) {
    return image_rows(value(v), layers_.network().shape(v).size(), device_slots);
  };
  for (int i = 0; i < hand_off_; ++i) {
    const Layer& layer = layers_.network().layers[i];
    const CudaRange range(layer.name);
    const kernels::DeviceOutput output{const_cast<void*>(value(i + 1)), layers_.network().shape(i + 1).size(),
                                       device_slots, kernels::DotOutput::stored};
    layers_.run(i, layers_.whole(i), rows, rows_of(layer.input),
                layer.residual >= 0 ? rows_of(layer.residual) : kernels::DeviceRows(), nullptr, output,
                stream);
  }
  clock.lap(&SearchProfile::cache_fill, stream);
  // Only now it is known that these slots are filled.
  check_cuda(cudaStreamSynchronize(stream), "computing the backgrounds' features");
}

}  // namespace backdrop
