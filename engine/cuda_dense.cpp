#include "engine/cuda_dense.h"

#include <algorithm>

#include "engine/cuda_range.h"
#include "engine/layer_shapes.h"
#include "engine/value_lifetimes.h"
#include "kernels/composite_cuda.h"

namespace backdrop {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{256} << 20;
constexpr std::size_t kForegroundsAtOnce = 64;  // photos on the device at a time
constexpr std::size_t kBatchesAtOnce = 16;      // between two waits for results

std::vector<std::uint32_t> mask_bits(const Mask& mask) {
  std::vector<std::uint32_t> bits((mask.values.size() + 31) / 32, 0);
  for (std::size_t p = 0; p < mask.values.size(); ++p)
    if (mask.values[p] != 0) bits[p / 32] |= std::uint32_t{1} << (p % 32);
  return bits;
}

MemoryPlan plan_values(const CudaLayers& layers, int batch) {
  std::vector<int> last = last_readers(layers.network());
  // A chain's blocks read the input while others already write the output.
  for (const auto& chain : find_chains(layers.network())) {
    int& reader = last[layers.network().layers[chain.front().reduce].input];
    reader = std::max(reader, chain.back().expand);
  }
  std::vector<BufferLifetime> buffers;
  for (int v = 0; v < layers.position_layers(); ++v)
    buffers.push_back({v - 1, last[v], layers.network().shape(v).size() * batch * layers.value_bytes()});
  return plan_memory(buffers);
}

}  // namespace

CudaDense::CudaDense(const CudaLayers& layers, const std::int32_t* in9, int batch, const GpuWays& without,
                     PlanFolder& plans)
    : layers_(layers),
      in9_(in9),
      batch_(batch),
      without_(without),
      plan_(plan_values(layers, batch)),
      arena_(plan_.bytes, "activations"),
      tail_(layers, batch),
      convolutions_(layers.network().layers.size()),
      chains_(layers.network().layers.size()) {
  if (needs_calibration(layers.precision()) || without.has(GpuWay::cudnn))
    no_cudnn_ = "our kernels";
  else
    cudnn_ = kernels::Cudnn::open(stream_, no_cudnn_);
  if (cudnn_) workspace_ = DeviceBuffer(kWorkspaceBytes, "cuDNN");
  // cuDNN always runs full batches: what lies in unused places must at least be numbers.
  clear_activations();
  choose(plans);
  // The measurements left anything at all in the activations.
  clear_activations();
  stream_.synchronize();
}

void CudaDense::clear_activations() {
  check_cuda(cudaMemsetAsync(arena_.data(), 0, arena_.size(), stream_), "clearing memory");
}

void* CudaDense::value(int v) const {
  return v == layers_.position_layers() ? tail_.input() : arena_.data() + plan_.offsets[v];
}

cudaError_t CudaDense::start(const CudaChain& chain, int rows) {
  return chain.run(value(layers_.network().layers[chain.first_layer()].input), value(chain.last_layer() + 1),
                   rows, stream_);
}

void CudaDense::run_layer(int index, int rows) {
  if (convolutions_[index]) {
    if (!convolutions_[index]->run())
      throw Error(ErrorCode::failed, "cuDNN refused a convolution it had accepted");
    return;
  }
  const Layer& layer = layers_.network().layers[index];
  const auto rows_of = [&](int v) { return image_rows(value(v), layers_.network().shape(v).size()); };
  layers_.run(
      index, layers_.whole(index), rows, rows_of(layer.input),
      layer.residual >= 0 ? rows_of(layer.residual) : kernels::DeviceRows(), nullptr,
      {value(index + 1), layers_.network().shape(index + 1).size(), nullptr, kernels::DotOutput::stored},
      stream_);
}

void CudaDense::run_network(int rows) {
  // A profile's events lie between the layers.
  if (clock_.has_profile() || without_.has(GpuWay::graphs)) return run_layers(rows);
  graphs_.run(rows, stream_, [&] { run_layers(rows); });
}

void CudaDense::run_layers(int rows) {
  std::optional<CudaRange> reduce;
  clock_.start(stream_);
  for (int i = 0; i < layers_.position_layers(); ++i) {
    const CudaChain* chain = chains_[i].get();
    if (chain == nullptr) {
      const Layer& layer = layers_.network().layers[i];
      if (layer.kind == LayerKind::average_pool) reduce.emplace("reduce");
      const CudaRange range(layer.name);
      run_layer(i, rows);
      clock_.lap_layer(i, layers_.multiply_adds(i) * rows, stream_);
      continue;
    }
    const CudaRange range(chain->name());
    check_cuda(start(*chain, rows), "starting bottlenecks");
    std::vector<std::int64_t> multiply_adds;
    for (int k = i; k <= chain->last_layer(); ++k) multiply_adds.push_back(layers_.multiply_adds(k) * rows);
    clock_.lap_layers(i, multiply_adds, stream_);
    i = chain->last_layer();
  }
  if (!reduce) reduce.emplace("reduce");
  tail_.run(rows, stream_, clock_);
}

void CudaDense::run(std::span<const CompositeTask> tasks, const CudaPhotos& backgrounds,
                    const DecisionSink& sink) {
  const std::size_t most = kBatchesAtOnce * batch_;
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
  upload_.send(packer.bytes(), stream_, "foregrounds");
  decisions_.reserve(pairs.size(), tail_, with_logits);

  kernels::CompositeArguments composites;
  composites.foregrounds = upload_.at<std::uint8_t>(photos_at);
  composites.masks = upload_.at<std::uint32_t>(masks_at);
  composites.backgrounds = backgrounds.bytes.as<std::uint8_t>();
  composites.table = layers_.table();
  composites.output = value(0);
  composites.photo_pixels = composites.pixels = backgrounds.pixels;
  composites.mask_words = (backgrounds.pixels + 31) / 32;
  for (std::size_t first = 0; first < pairs.size(); first += batch_) {
    const int rows = static_cast<int>(std::min<std::size_t>(batch_, pairs.size() - first));
    composites.pairs = upload_.at<kernels::CompositePair>(pairs_at) + first;
    composites.composites = rows;
    const CudaRange batch("batch");
    clock_.start(stream_);
    {
      const CudaRange range("composite");
      check_cuda(kernels::composite_cuda(layers_.precision(), composites, stream_),
                 "starting the compositing");
    }
    clock_.lap(&SearchProfile::compositing, stream_);
    run_network(rows);
    decisions_.decide(tail_, layers_.classes(), in9_, upload_.at<std::int32_t>(labels_at) + first, first,
                      rows, stream_);
  }
  stream_.synchronize();
  clock_.collect();
  for (std::size_t i = 0; i < pairs.size(); ++i)
    sink(pairs[i].task, pairs[i].place, decisions_.decision(i), decisions_.logits(i));
}

void CudaDense::run(std::span<const Image> images, float* logits) {
  const int classes = layers_.classes();
  std::vector<float> padded(std::size_t(batch_) * tail_.stride());
  for (std::size_t first = 0; first < images.size(); first += batch_) {
    const int rows = static_cast<int>(std::min<std::size_t>(batch_, images.size() - first));
    std::vector<kernels::CompositePair> pairs;
    std::vector<std::uint8_t> photos;
    for (int n = 0; n < rows; ++n) {
      pairs.push_back({-1, n});
      photos.insert(photos.end(), images[first + n].pixels.begin(), images[first + n].pixels.end());
    }
    ListPacker packer;
    const std::size_t pairs_at = packer.add(std::span<const kernels::CompositePair>(pairs));
    const std::size_t photos_at = packer.add(std::span<const std::uint8_t>(photos));
    upload_.send(packer.bytes(), stream_, "photos");
    kernels::CompositeArguments composites;
    composites.backgrounds = upload_.at<std::uint8_t>(photos_at);
    composites.pairs = upload_.at<kernels::CompositePair>(pairs_at);
    composites.table = layers_.table();
    composites.output = value(0);
    composites.composites = rows;
    composites.photo_pixels = composites.pixels = static_cast<int>(images[first].pixels.size() / 3);
    {
      const CudaRange range("normalise");
      check_cuda(kernels::composite_cuda(layers_.precision(), composites, stream_),
                 "starting the normalisation");
    }
    run_network(rows);
    check_cuda(cudaMemcpyAsync(padded.data(), tail_.logits(), sizeof(float) * tail_.stride() * rows,
                               cudaMemcpyDeviceToHost, stream_),
               "copying logits");
    stream_.synchronize();
    for (int n = 0; n < rows; ++n)
      std::copy_n(padded.data() + std::size_t(n) * tail_.stride(), classes, logits + (first + n) * classes);
  }
}

std::size_t CudaDense::workspace_bytes() const {
  return arena_.size() + workspace_.size() + tail_.bytes() + upload_.bytes();
}

}  // namespace backdrop
