/// \file
/// Runs a Network on composites. One interface for every device.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/calibration.h"
#include "engine/gpu_ways.h"
#include "engine/search_profile.h"
#include "kernels/precision.h"
#include "loaders/class_map.h"
#include "loaders/image.h"
#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop {

/// One foreground on several backgrounds: composite = background * (1 - mask) + foreground * mask.
///
/// Results are written to the arrays that are not null, one entry a background, in the order of
/// `backgrounds`.
struct CompositeTask {
  const Image* foreground = nullptr;
  const Mask* mask = nullptr;
  int label = 0;                        ///< the foreground's IN-9 class
  std::span<const int> backgrounds;     ///< indices into the resident backgrounds
  std::int16_t* predictions = nullptr;  ///< [B] the model's own class: argmax, ties to the lowest index
  float* margins = nullptr;             ///< [B] best logit mapped to `label` minus the best of all the others
  float* logits = nullptr;              ///< [B][classes]
};

/// Tasks of a search that NVIDIA's profilers record, if they were told to wait for cudaProfilerStart.
struct ProfileWindow {
  std::int64_t first = 1;  ///< counted from 1, as they come to the engine; of several GPUs, to the first
  std::int64_t count = 0;  ///< 0: none
};

struct EngineOptions {
  int threads = 0;               ///< CPU threads; 0: all that this process may use
  int batch = 0;                 ///< composites per batch (with reuse at most 16); 0: chosen for the caches
  bool reference = false;        ///< the plain reference kernels instead of the tuned ones (slow)
  bool onednn = false;           ///< oneDNN's dense path instead of our own kernels (implies no reuse)
  bool reuse = true;             ///< compute only what each new background changed
  std::size_t cache_memory = 0;  ///< bytes for cached background features; 0: a share of the machine's memory
  Precision precision = Precision::fp32;  ///< below fp32, close decisions are computed again in fp32
  bool choose_precision = false;          ///< instead: whatever is the fastest here, measured by `calibrate`
  std::optional<Calibration> calibration = std::nullopt;  ///< for int8; none: made from the run
  bool portable = false;                                  ///< bf16 and int8 by plain loops (slow: for tests)
  std::vector<int> gpus = {0};                            ///< by index; empty: all of this machine
  ProfileWindow profile_window = {};                      ///< on a GPU
  GpuWays gpu_without = {};                               ///< how not to compute on a GPU
  /// On a GPU: what was measured about its layers is kept here and read at the next start
  /// (engine/measured_plan.h); empty: nowhere. `measure_anew`: it is written, not read.
  std::filesystem::path plan_folder = {};
  bool measure_anew = false;
  /// Hears, in one line, what went wrong harmlessly; from several GPUs' threads at once.
  std::function<void(const std::string&)> complain = {};
};

/// Of some composites below fp32, how many were decided again.
struct ScreeningCounts {
  std::int64_t second = 0;     ///< in a second precision
  std::int64_t rechecked = 0;  ///< too close: in fp32
  std::int64_t audited = 0;    ///< of the others, in fp32 to see

  ScreeningCounts& operator+=(const ScreeningCounts& other);
  bool operator==(const ScreeningCounts&) const = default;
};

/// What a run below fp32 says about its trust in the fast precision (recheck.h).
struct ScreeningReport {
  /// Errors of a lead, measured on a sample of the run, for the foregrounds of one class.
  struct ClassError {
    int label = 0;
    std::size_t sample = 0;
    float quantile = 0;  ///< a share `quantile` of them are at most this
    float maximum = 0;
    float bound = 0;  ///< leads up to this are computed again
  };

  /// A precision between the fast one and fp32, which is asked first about what was close.
  struct Second {
    Precision precision = Precision::fp16;
    std::vector<ClassError> errors;
    std::int64_t composites = 0;  ///< that it decided again
  };

  Precision precision = Precision::fp32;
  bool bf16_sums = false;  ///< int8 with the sums of blocks in bfloat16 (stored_values.h)
  double safety = 0;       ///< bound over the error seen
  double quantile = 0;     ///< see ClassError
  std::vector<ClassError> errors;
  std::optional<Second> second;
  double calibration_seconds = 0;  ///< what scales and bounds took
  double again_seconds = 0;        ///< of the search: what deciding again and the audit took
  std::int64_t composites = 0;     ///< all that were asked for
  std::int64_t rechecked = 0;      ///< too close: computed again in fp32
  std::int64_t audited = 0;        ///< of the others, computed again to see
  std::int64_t wrong = 0;          ///< audited answers that were not fp32's
  double confidence = 0;           ///< of the next
  double wrong_share_bound = 1;    ///< upper confidence bound on such answers among those that stood

  ScreeningCounts counts() const { return {second ? second->composites : 0, rechecked, audited}; }
  /// Puts these in place of its own, with the bound that follows from them.
  void set_counts(std::int64_t all_composites, const ScreeningCounts& counts);
};

/// Whether long work shall end; null: never.
using StopAsked = std::function<bool()>;

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
