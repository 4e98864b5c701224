#include "engine/cuda_reuse.h"

#include <algorithm>
#include <optional>

#include "core/made_ahead.h"
#include "engine/cuda_range.h"
#include "kernels/composite_cuda.h"

namespace backdrop {
namespace {

using kernels::DeviceRows;
using kernels::Source;

// A foreground's, which take some milliseconds: as long as the GPU takes for a few hundred composites.
struct MadeLists {
  ForegroundLists lists;
  PackedForeground packed;
};

}  // namespace

// One foreground in flight. Reused for another one when its results are delivered.
struct CudaReuse::Pass {
  std::size_t task = 0;
  std::vector<std::size_t> places;
  std::optional<ForegroundLists> lists;
  std::optional<PackedForeground> packed;
  Upload upload;
  DeviceBuffer features;
  DeviceBuffer starts;
  CudaDecisions decisions;
  CudaEvent uploaded;
  CudaEvent done;
  bool in_flight = false;

  std::byte* feature(int value, std::size_t element_bytes) const {
    return features.data() + lists->foreground_offset[value] * element_bytes;
  }
};

CudaReuse::CudaReuse(CudaDenseLayers& whole, const CudaPhotos& photos, const std::int32_t* in9,
                     const CudaReuseOptions& options)
    : whole_(whole),
      layers_(whole.layers()),
      photos_(photos),
      in9_(in9),
      rows_(whole.batch(), whole.batch(), earliest_cut(layers_.network(), options.hand_off), true),
      hand_off_(options.hand_off),
      list_makers_(options.list_makers),
      cache_(layers_, photos, options.hand_off, whole.batch(), options.cache_memory),
      stream_(whole.stream()) {
  ListPacker packer;
  std::vector<PackedWork> packed;
  for (int i = 0; i < layers_.position_layers(); ++i) {
    whole_mixed_.positions.push_back(
        std::make_shared<const PositionList>(whole_layer_list(layers_.network(), i, Source::mixed, rows_)));
    if (i < rows_.cut) packed.push_back(packer.add(*whole_mixed_.positions.back()));
  }
  whole_mixed_lists_ = DeviceBuffer(packer.bytes().size(), "lists");
  copy_to_device(whole_mixed_lists_.data(), packer.bytes().data(), packer.bytes().size(), "copying lists");
  for (const PackedWork& work : packed)
    whole_mixed_work_.push_back(device_work(work, whole_mixed_lists_.data()));
  for (auto& pass : passes_) pass = std::make_unique<Pass>();
}

CudaReuse::~CudaReuse() {
  // Whatever an exception left under way still uses the buffers.
  cudaStreamSynchronize(copies_);
  cudaStreamSynchronize(stream_);
}

void CudaReuse::set_profile(SearchProfile* profile) {
  clock_.set_profile(profile);
  if (profile != nullptr) cache_.forget();
}

void CudaReuse::run(std::span<const CompositeTask> tasks, const DecisionSink& sink) {
  std::vector<int> wanted;
  for (const CompositeTask& task : tasks)
    wanted.insert(wanted.end(), task.backgrounds.begin(), task.backgrounds.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());

  const std::size_t capacity = cache_.capacity();
  for (std::size_t first = 0; first < wanted.size(); first += capacity) {
    const auto tile = std::span(wanted).subspan(first, std::min(capacity, wanted.size() - first));
    {
      const CudaRange range("background features");
      cache_.make_resident(tile, stream_, clock_);
    }
    std::vector<std::vector<std::size_t>> chosen(tasks.size());
    for (std::size_t t = 0; t < tasks.size(); ++t)
      for (std::size_t i = 0; i < tasks[t].backgrounds.size(); ++i)
        if (tasks[t].backgrounds[i] >= tile.front() && tasks[t].backgrounds[i] <= tile.back())
          chosen[t].push_back(i);
    run_resident(tasks, chosen, sink);
  }
  clock_.collect();
}

void CudaReuse::run_resident(std::span<const CompositeTask> tasks,
                             const std::vector<std::vector<std::size_t>>& chosen, const DecisionSink& sink) {
  // A pass left over from a call that failed is forgotten: its composites are given again.
  stream_.synchronize();
  for (auto& pass : passes_) pass->in_flight = false;
  std::vector<std::size_t> wanted;
  for (std::size_t t = 0; t < tasks.size(); ++t)
    if (!chosen[t].empty()) wanted.push_back(t);
  MadeAhead<MadeLists> ahead(wanted.size(), list_makers_, [&](std::size_t index) {
    const CudaRange range("lists");
    const CompositeTask& task = tasks[wanted[index]];
    ForegroundLists lists =
        make_foreground_lists(layers_.network(), *task.mask, hand_off_, rows_, whole_mixed_);
    PackedForeground packed(lists, whole_mixed_.positions, task, slots_of(task, chosen[wanted[index]]));
    return MadeLists{std::move(lists), std::move(packed)};
  });
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    Pass& pass = *passes_[i % 2];
    deliver(pass, sink);
    MadeLists made = ahead.next();
    pass.task = wanted[i];
    pass.places = chosen[pass.task];
    pass.lists.emplace(std::move(made.lists));
    pass.packed.emplace(std::move(made.packed));
    start(pass, tasks[pass.task]);
  }
  for (std::size_t i = 0; i < 2; ++i) deliver(*passes_[(wanted.size() + i) % 2], sink);
}

std::vector<std::int32_t> CudaReuse::slots_of(const CompositeTask& task,
                                              std::span<const std::size_t> places) const {
  std::vector<std::int32_t> slots;
  for (const std::size_t place : places) slots.push_back(cache_.slot(task.backgrounds[place]));
  return slots;
}

void CudaReuse::start(Pass& pass, const CompositeTask& task) {
  const CudaRange range("foreground");
  pass.upload.send(pass.packed->packer.bytes(), copies_, "a foreground's lists");
  pass.uploaded.record(copies_);
  check_cuda(cudaStreamWaitEvent(stream_, pass.uploaded, 0), "ordering streams");

  pass.features.reserve_amply(
      std::max<std::size_t>(16, pass.lists->foreground_elements) * layers_.widest_bytes(), "features");
  pass.starts.reserve_amply(std::max<std::size_t>(16, pass.lists->start_sums) * sizeof(float), "start sums");
  pass.decisions.reserve(pass.places.size(), whole_.tail(), task.logits != nullptr);
  const std::size_t arena_bytes = pass.lists->mixed.bytes / sizeof(float) * layers_.widest_bytes();
  if (arena_bytes > arena_.size()) {
    stream_.synchronize();
    arena_.reserve(arena_bytes, "activations");
  }

  pass.in_flight = true;
  run_foreground(pass);
  const auto most = static_cast<std::size_t>(whole_.batch());
  for (std::size_t first = 0; first < pass.places.size(); first += most)
    run_batch(pass, first, static_cast<int>(std::min(most, pass.places.size() - first)));
  pass.done.record(stream_);
}

void CudaReuse::run_foreground(const Pass& pass) {
  clock_.start(stream_);
  const PackedForeground& packed = *pass.packed;
  kernels::CompositeArguments photo;
  photo.foregrounds = pass.upload.at<std::uint8_t>(packed.photo);
  photo.pairs = pass.upload.at<kernels::CompositePair>(packed.pair);
  photo.positions = pass.upload.at<std::int32_t>(packed.inside);
  photo.table = layers_.table();
  photo.output = pass.feature(0, layers_.widest_bytes());
  photo.composites = 1;
  photo.photo_pixels = photos_.pixels;
  photo.pixels = packed.inside_pixels;
  {
    const CudaRange range("normalise");
    check_cuda(kernels::composite_cuda(layers_.form(0), photo, stream_), "starting the normalisation");
  }

  const auto foreground_rows = [&](int value) {
    DeviceRows rows;
    rows.base[static_cast<int>(Source::foreground)] = pass.feature(value, layers_.widest_bytes());
    return rows;
  };
  for (int i = 0; i < layers_.position_layers(); ++i) {
    const Layer& layer = layers_.network().layers[i];
    const CudaRange range(layer.name);
    const DeviceRows input = foreground_rows(layer.input);
    if (packed.layers[i].starts.positions > 0)
      layers_.run_starts(i, device_work(packed.layers[i].starts, pass.upload.data()), input,
                         pass.starts.as<float>() + pass.lists->starts_offset[i], stream_);
    if (packed.layers[i].foreground.positions > 0)
      layers_.run(i, device_work(packed.layers[i].foreground, pass.upload.data()), 1, input,
                  layer.residual >= 0 ? foreground_rows(layer.residual) : DeviceRows(), nullptr,
                  {pass.feature(i + 1, layers_.widest_bytes()), 0, nullptr, kernels::DotOutput::stored},
                  stream_);
  }
  clock_.lap(&SearchProfile::foreground_pass, stream_);
}

DeviceRows CudaReuse::rows_of(const Pass& pass, int value, std::size_t first) const {
  DeviceRows rows;
  const std::size_t offset = pass.lists->mixed.offsets[value] / sizeof(float) * layers_.widest_bytes();
  rows.base[static_cast<int>(Source::mixed)] =
      value == rows_.cut ? whole_.value(value) : arena_.data() + offset;
  rows.row_stride[static_cast<int>(Source::mixed)] =
      static_cast<std::int32_t>(mixed_layout(layers_.network(), value, rows_).row_stride);
  rows.base[static_cast<int>(Source::foreground)] = pass.feature(value, layers_.widest_bytes());
  if (value > hand_off_) return rows;
  rows.base[static_cast<int>(Source::background)] = cache_.value(value);
  rows.row_stride[static_cast<int>(Source::background)] =
      static_cast<std::int32_t>(layers_.network().shape(value).size());
  rows.slots = pass.upload.at<std::int32_t>(pass.packed->slots) + first;
  return rows;
}

void CudaReuse::run_batch(Pass& pass, std::size_t first, int rows) {
  const CudaRange batch("batch");
  std::optional<CudaRange> reduce;
  clock_.start(stream_);
  for (int i = 0; i < rows_.cut; ++i) {
    const Layer& layer = layers_.network().layers[i];
    if (layer.kind == LayerKind::average_pool) reduce.emplace("reduce");
    const CudaRange range(layer.name);
    const PackedForeground::LayerWork& work = pass.packed->layers[i];
    const DeviceRows written = rows_of(pass, i + 1, first);
    const int mixed = static_cast<int>(Source::mixed);
    const kernels::DeviceOutput output{const_cast<void*>(written.base[mixed]), written.row_stride[mixed],
                                       nullptr, kernels::DotOutput::stored};
    layers_.run(i, work.shared_mixed ? whole_mixed_work_[i] : device_work(work.mixed, pass.upload.data()),
                rows, rows_of(pass, layer.input, first),
                layer.residual >= 0 ? rows_of(pass, layer.residual, first) : DeviceRows(),
                pass.starts.as<float>() + pass.lists->starts_offset[i], output, stream_);
    clock_.lap_layer(i, multiply_adds(work, i, rows), stream_);
  }
  reduce.reset();
  whole_.run(rows_.cut, rows, clock_);
  for (int i = 0; i < layers_.position_layers(); ++i)
    multiply_adds_ += multiply_adds(pass.packed->layers[i], i, rows);
  pass.decisions.decide(whole_.tail(), layers_.classes(), in9_,
                        pass.upload.at<std::int32_t>(pass.packed->labels) + first, first, rows, stream_);
}

std::int64_t CudaReuse::multiply_adds(const PackedForeground::LayerWork& work, int index, int rows) const {
  if (layers_.network().layers[index].kind != LayerKind::convolution) return 0;
  return work.mixed_taps * layers_.multiply_adds_per_tap(index) * rows;
}

void CudaReuse::deliver(Pass& pass, const DecisionSink& sink) {
  if (!pass.in_flight) return;
  pass.done.synchronize();
  pass.in_flight = false;
  for (std::size_t i = 0; i < pass.places.size(); ++i)
    sink(pass.task, pass.places[i], pass.decisions.decision(i), pass.decisions.logits(i));
}

std::size_t CudaReuse::workspace_bytes() const {
  std::size_t bytes = cache_.bytes() + arena_.size() + whole_mixed_lists_.size();
  for (const auto& pass : passes_)
    bytes += pass->upload.bytes() + pass->features.size() + pass->starts.size();
  return bytes;
}

}  // namespace backdrop
