#include <unistd.h>

#include <algorithm>

#include "backdrop/error.h"
#include "core/parallel.h"
#include "engine/batch_runner.h"
#include "engine/decision_writer.h"
#include "engine/engine.h"

namespace backdrop {
namespace {

// Composites a batch, so that the largest layer's input and output stay in this thread's share of the
// last-level cache; at least four, so that the weights are not read anew for each.
int choose_batch(const Network& network, int threads) {
  std::int64_t largest = 1;
  for (const Layer& layer : network.layers)
    largest = std::max<std::int64_t>(largest, (layer.in.size() + layer.out.size()) * sizeof(float));
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  const std::int64_t share = (cache > 0 ? cache : 16 << 20) / threads;
  return static_cast<int>(std::clamp<std::int64_t>(share / largest, 4, 16));
}

class CpuEngine final : public Engine {
 public:
  CpuEngine(std::shared_ptr<const Network> network, const ClassMap& map, const EngineOptions& options)
      : network_(std::move(network)),
        writer_(map, network_->classes()),
        pool_(options.threads),
        dense_(
            options.reference ? make_reference_plan(network_) : make_dense_plan(network_, batch_for(options)),
            network_->normalization, pool_) {}

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    for (const Image& image : *backgrounds) check_size(image.height, image.width);
    backgrounds_ = std::move(backgrounds);
  }

  void classify_composites(std::span<const CompositeTask> tasks) override {
    for (const CompositeTask& task : tasks) check(task);
    if (!tasks.empty()) dense_.run(tasks, *backgrounds_, writer_);
  }

  void classify_images(std::span<const Image> images, float* logits) override {
    for (const Image& image : images) check_size(image.height, image.width);
    dense_.run(images, network_->classes(), logits);
  }

  int classes() const override { return network_->classes(); }
  int batch() const override { return dense_.plan().batch(); }
  int tile() const override { return 0; }
  int threads() const override { return pool_.threads(); }
  std::string description() const override {
    return "CPU, " + std::to_string(threads()) + " threads, " + dense_.plan().description();
  }
  std::size_t workspace_bytes() const override { return dense_.workspace_bytes(); }

 private:
  int batch_for(const EngineOptions& options) const {
    return options.batch > 0 ? options.batch : choose_batch(*network_, pool_.threads());
  }

  void check_size(int height, int width) const {
    if (height != network_->input.height || width != network_->input.width)
      throw Error(ErrorCode::usage, "an image or mask of " + std::to_string(height) + " x " +
                                        std::to_string(width) + " was given to a network that takes " +
                                        std::to_string(network_->input.height) + " x " +
                                        std::to_string(network_->input.width));
  }

  void check(const CompositeTask& task) const {
    check_size(task.foreground->height, task.foreground->width);
    check_size(task.mask->height, task.mask->width);
    const int count = backgrounds_ ? static_cast<int>(backgrounds_->size()) : 0;
    for (const int background : task.backgrounds)
      if (background < 0 || background >= count)
        throw Error(ErrorCode::usage, "background " + std::to_string(background) + " is not among the " +
                                          std::to_string(count) + " that the engine holds");
  }

  std::shared_ptr<const Network> network_;
  DecisionWriter writer_;
  ThreadPool pool_;
  BatchRunner dense_;
  std::shared_ptr<const std::vector<Image>> backgrounds_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                        const EngineOptions& options) {
  return std::make_unique<CpuEngine>(std::move(network), map, options);
}

}  // namespace backdrop
