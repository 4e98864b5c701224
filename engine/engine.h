/// \file
/// Runs a Network on composites. One interface for every device.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/composite_task.h"
#include "engine/engine_options.h"
#include "engine/screening_report.h"
#include "engine/search_profile.h"
#include "loaders/class_map.h"
#include "loaders/image.h"
#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop {

/// A network on a device. Calls are made from one thread at a time; the engine uses its own threads inside.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Keeps these backgrounds for all further tasks (shared, not copied). Sizes must equal the network's
  /// input.
  virtual void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) = 0;

  /// Optional: the masks of the run to come, on the backgrounds set before. They let the engine choose how
  /// much of each background to cache, and so `tile`; without this call the first tasks decide.
  virtual void prepare(std::span<const Mask* const> masks) { static_cast<void>(masks); }

  /// Optional, below fp32 and after `prepare`: the run to come, each foreground on all of its backgrounds.
  /// Scales and error bounds come from a sample of it; without this call, of the first tasks. `stop` is asked
  /// every few seconds; true ends it with `interrupted`, and the next call begins again.
  virtual void calibrate(std::span<const CompositeTask> run, const StopAsked& stop) {
    static_cast<void>(run);
    static_cast<void>(stop);
  }

  /// Computes every task. Tasks are independent: give several at once, of the same backgrounds where that is
  /// possible, to keep all threads busy.
  virtual void classify_composites(std::span<const CompositeTask> tasks) = 0;

  /// Logits of plain photos: [images.size()][classes].
  virtual void classify_images(std::span<const Image> images, float* logits) = 0;

  /// "cpu" or "cuda".
  virtual std::string device() const { return "cpu"; }
  virtual int classes() const = 0;
  /// Composites that run side by side in one batch.
  virtual int batch() const = 0;
  /// The number of backgrounds whose cached features fit the memory: run all foregrounds on one such tile of
  /// consecutive backgrounds before the next one. 0: any order costs the same.
  virtual int tile() const = 0;
  virtual int threads() const = 0;
  /// With reuse, once it is chosen: the first layer whose every position is computed.
  virtual std::optional<int> hand_off() const { return std::nullopt; }
  /// Composites that share a read of this layer's weights.
  virtual int rows_of_layer(int layer) const {
    static_cast<void>(layer);
    return batch();
  }
  /// Whether this layer's fp32 products are made of bfloat16 terms (kernels/split_block.h), but for
  /// Winograd's and those of lists with few taps.
  virtual bool splits_layer(int layer) const {
    static_cast<void>(layer);
    return false;
  }
  /// Composites that keep all threads busy.
  virtual int fill() const { return std::max(1, batch()) * std::max(1, threads()); }
  /// Multiply-adds done for composites so far, counted where they are done; with reuse, the mixed positions'
  /// only.
  virtual std::int64_t multiply_adds() const { return 0; }
  /// Adds where the time of all composites to come goes to `profile`, that of `calibrate` excepted; null ends
  /// it. A profile starts with nothing cached. False if this engine cannot tell.
  virtual bool set_profile(SearchProfile* profile) { return profile == nullptr; }
  /// Nothing in fp32.
  virtual std::optional<ScreeningReport> screening() const { return std::nullopt; }
  /// One line for people: device, instruction set, batch.
  virtual std::string description() const = 0;
  /// Peak bytes of caches, activations and scratch memory, over all threads.
  virtual std::size_t workspace_bytes() const = 0;
  /// Bytes of cached background features, now and at most; both are part of workspace_bytes' account.
  virtual std::size_t cache_bytes() const { return 0; }
  virtual std::size_t cache_limit() const { return 0; }
  /// Backgrounds whose features were computed for the cache so far: as many as there are, if each was once.
  virtual std::int64_t background_fills() const { return 0; }
};

/// The CPU engine. `map` says which classes count as which IN-9 label (its size is network->classes()).
std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                        const EngineOptions& options);

/// The same on a GPU, or on several as one engine (several_engines.h). Throws no_device with the reason if
/// this build or machine lacks one of them or it cannot be used.
std::unique_ptr<Engine> make_cuda_engine(std::shared_ptr<const Network> network, const ClassMap& map,
                                         const EngineOptions& options);

/// EngineOptions::gpus by index. Throws no_device, as make_cuda_engine does, if one of them cannot be used;
/// costs little otherwise.
std::vector<int> find_gpus(const std::vector<int>& asked);

/// What the GPU part was built from, for people: "13.0, sm_80 ...", or "not built".
std::string cuda_build();

}  // namespace backdrop
