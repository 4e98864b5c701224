#include "engine/cuda_dense.h"

#include <algorithm>

#include "engine/cuda_range.h"
#include "kernels/composite_cuda.h"

namespace backdrop {
namespace {

constexpr std::size_t kForegroundsAtOnce = 64;  // photos on the device at a time
constexpr std::size_t kBatchesAtOnce = 16;      // between two waits for results

std::vector<std::uint32_t> mask_bits(const Mask& mask) {
  std::vector<std::uint32_t> bits((mask.values.size() + 31) / 32, 0);
  for (std::size_t p = 0; p < mask.values.size(); ++p)
    if (mask.values[p] != 0) bits[p / 32] |= std::uint32_t{1} << (p % 32);
  return bits;
}

}  // namespace

CudaDense::CudaDense(const CudaLayers& layers, const std::int32_t* in9, int batch, const GpuWays& without,
                     PlanFolder& plans)
    : layers_(layers), in9_(in9), all_(layers, batch, without, plans) {}

void CudaDense::run(std::span<const CompositeTask> tasks, const CudaPhotos& backgrounds,
                    const DecisionSink& sink) {
  const std::size_t most = kBatchesAtOnce * batch();
  std::vector<Pair> pairs;
  std::size_t first_task = 0;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (t - first_task == kForegroundsAtOnce) {
      run_pairs(tasks, pairs, backgrounds, sink);
      pairs.clear();
      first_task = t;
    }
    for (std::size_t i = 0; i < tasks[t].backgrounds.size(); ++i) {
      pairs.push_back({t, i});
      if (pairs.size() < most) continue;
      run_pairs(tasks, pairs, backgrounds, sink);
      pairs.clear();
      first_task = t;
    }
  }
  run_pairs(tasks, pairs, backgrounds, sink);
}

// All pairs name tasks from the first one's to the last one's.
void CudaDense::run_pairs(std::span<const CompositeTask> tasks, std::span<const Pair> pairs,
                          const CudaPhotos& backgrounds, const DecisionSink& sink) {
  if (pairs.empty()) return;
  const CudaStream& stream = all_.stream();
  composites_ += static_cast<std::int64_t>(pairs.size());
  const std::size_t first_task = pairs.front().task;
  std::vector<std::uint8_t> photos;
  std::vector<std::uint32_t> masks;
  bool with_logits = false;
  for (std::size_t t = first_task; t <= pairs.back().task; ++t) {
    photos.insert(photos.end(), tasks[t].foreground->pixels.begin(), tasks[t].foreground->pixels.end());
    const std::vector<std::uint32_t> bits = mask_bits(*tasks[t].mask);
    masks.insert(masks.end(), bits.begin(), bits.end());
    with_logits = with_logits || tasks[t].logits != nullptr;
  }
  std::vector<kernels::CompositePair> device_pairs;
  std::vector<std::int32_t> labels;
  for (const Pair& pair : pairs) {
    device_pairs.push_back(
        {static_cast<std::int32_t>(pair.task - first_task), tasks[pair.task].backgrounds[pair.place]});
    labels.push_back(tasks[pair.task].label);
  }
  ListPacker packer;
  const std::size_t photos_at = packer.add(std::span<const std::uint8_t>(photos));
  const std::size_t masks_at = packer.add(std::span<const std::uint32_t>(masks));
  const std::size_t pairs_at = packer.add(std::span<const kernels::CompositePair>(device_pairs));
  const std::size_t labels_at = packer.add(std::span<const std::int32_t>(labels));
  upload_.send(packer.bytes(), stream, "foregrounds");
  decisions_.reserve(pairs.size(), all_.tail(), with_logits);

  kernels::CompositeArguments composites;
  composites.foregrounds = upload_.at<std::uint8_t>(photos_at);
  composites.masks = upload_.at<std::uint32_t>(masks_at);
  composites.backgrounds = backgrounds.bytes.as<std::uint8_t>();
  composites.table = layers_.table();
  composites.output = all_.value(0);
  composites.photo_pixels = composites.pixels = backgrounds.pixels;
  composites.mask_words = (backgrounds.pixels + 31) / 32;
  for (std::size_t first = 0; first < pairs.size(); first += batch()) {
    const int rows = static_cast<int>(std::min<std::size_t>(batch(), pairs.size() - first));
    composites.pairs = upload_.at<kernels::CompositePair>(pairs_at) + first;
    composites.composites = rows;
    const CudaRange batch("batch");
    clock_.start(stream);
    {
      const CudaRange range("composite");
      check_cuda(kernels::composite_cuda(layers_.form(0), composites, stream), "starting the compositing");
    }
    clock_.lap(&SearchProfile::compositing, stream);
    all_.run(0, rows, clock_);
    decisions_.decide(all_.tail(), layers_.classes(), in9_, upload_.at<std::int32_t>(labels_at) + first,
                      first, rows, stream);
  }
  stream.synchronize();
  clock_.collect();
  for (std::size_t i = 0; i < pairs.size(); ++i)
    sink(pairs[i].task, pairs[i].place, decisions_.decision(i), decisions_.logits(i));
}

void CudaDense::run(std::span<const Image> images, float* logits) {
  const CudaStream& stream = all_.stream();
  const int classes = layers_.classes();
  std::vector<float> padded(std::size_t(batch()) * all_.tail().stride());
  for (std::size_t first = 0; first < images.size(); first += batch()) {
    const int rows = static_cast<int>(std::min<std::size_t>(batch(), images.size() - first));
    std::vector<kernels::CompositePair> pairs;
    std::vector<std::uint8_t> photos;
    for (int n = 0; n < rows; ++n) {
      pairs.push_back({-1, n});
      photos.insert(photos.end(), images[first + n].pixels.begin(), images[first + n].pixels.end());
    }
    ListPacker packer;
    const std::size_t pairs_at = packer.add(std::span<const kernels::CompositePair>(pairs));
    const std::size_t photos_at = packer.add(std::span<const std::uint8_t>(photos));
    upload_.send(packer.bytes(), stream, "photos");
    kernels::CompositeArguments composites;
    composites.backgrounds = upload_.at<std::uint8_t>(photos_at);
    composites.pairs = upload_.at<kernels::CompositePair>(pairs_at);
    composites.table = layers_.table();
    composites.output = all_.value(0);
    composites.composites = rows;
    composites.photo_pixels = composites.pixels = static_cast<int>(images[first].pixels.size() / 3);
    {
      const CudaRange range("normalise");
      check_cuda(kernels::composite_cuda(layers_.form(0), composites, stream), "starting the normalisation");
    }
    all_.run(0, rows, clock_);
    check_cuda(cudaMemcpyAsync(padded.data(), all_.tail().logits(),
                               sizeof(float) * all_.tail().stride() * rows, cudaMemcpyDeviceToHost, stream),
               "copying logits");
    stream.synchronize();
    for (int n = 0; n < rows; ++n)
      std::copy_n(padded.data() + std::size_t(n) * all_.tail().stride(), classes,
                  logits + (first + n) * classes);
  }
}

}  // namespace backdrop
