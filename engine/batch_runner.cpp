#include "engine/batch_runner.h"

#include <algorithm>

#include "core/rounding.h"

namespace backdrop {
namespace {

// One composite: a task and the place of a background in it.
struct Pair {
  const CompositeTask* task;
  std::size_t index;
};

}  // namespace

BatchRunner::BatchRunner(std::unique_ptr<BatchPlan> plan, const Normalization& normalization,
                         ThreadPool& pool)
    : plan_(std::move(plan)),
      table_(kernels::make_normalization_table(normalization.mean, normalization.deviation)),
      pool_(pool),
      arenas_(pool.threads()) {}

std::byte* BatchRunner::arena(int worker) {
  AlignedBuffer& buffer = arenas_[worker];
  if (buffer.size() == 0) {
    buffer = AlignedBuffer(plan_->arena_bytes());
    // The last batch may be short: what lies in its unused places must at least be numbers.
    std::fill_n(buffer.data(), buffer.size(), std::byte{0});
  }
  return buffer.data();
}

void BatchRunner::run(std::span<const CompositeTask> tasks, const std::vector<Image>& backgrounds,
                      const LogitSink& sink) {
  std::vector<Pair> pairs;
  for (const CompositeTask& task : tasks)
    for (std::size_t i = 0; i < task.backgrounds.size(); ++i) pairs.push_back({&task, i});
  composites_ += static_cast<std::int64_t>(pairs.size());

  const std::size_t batch = plan_->batch();
  pool_.run(divide_up(pairs.size(), plan_->batch()), [&](std::size_t number, int worker) {
    std::byte* memory = arena(worker);
    const std::size_t first = number * batch;
    const std::size_t count = std::min(batch, pairs.size() - first);
    float* input = plan_->input(memory);
    for (std::size_t i = 0; i < count; ++i) {
      const CompositeTask& task = *pairs[first + i].task;
      const Image& background = backgrounds[task.backgrounds[pairs[first + i].index]];
      const std::size_t pixels = task.mask->values.size();
      kernels::composite_cpu(task.foreground->pixels.data(), background.pixels.data(),
                             task.mask->values.data(), pixels, table_, input + i * pixels * 3);
    }
    const float* logits = plan_->run(memory);
    for (std::size_t i = 0; i < count; ++i)
      sink.write(*pairs[first + i].task, pairs[first + i].index, logits + i * sink.classes());
  });
}

void BatchRunner::run(std::span<const Image> images, int classes, float* logits) {
  const std::size_t batch = plan_->batch();
  pool_.run(divide_up(images.size(), plan_->batch()), [&](std::size_t number, int worker) {
    std::byte* memory = arena(worker);
    const std::size_t first = number * batch;
    const std::size_t count = std::min(batch, images.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      const Image& image = images[first + i];
      kernels::normalize_cpu(image.pixels.data(), image.pixels.size() / 3, table_,
                             plan_->input(memory) + i * image.pixels.size());
    }
    std::copy_n(plan_->run(memory), count * classes, logits + first * classes);
  });
}

std::size_t BatchRunner::workspace_bytes() const {
  std::size_t bytes = 0;
  for (const AlignedBuffer& buffer : arenas_) bytes += buffer.size();
  return bytes;
}

}  // namespace backdrop
