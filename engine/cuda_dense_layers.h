/// \file
/// Layers of whole images on the GPU, from any of the network's on to the logits: each convolution as our
/// kernel or as cuDNN's, bottlenecks as one kernel, or a chain of them, whatever was the fastest in a
/// measurement; small batches as one CUDA graph.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/cuda_bottlenecks.h"
#include "engine/cuda_graph.h"
#include "engine/cuda_layers.h"
#include "engine/cuda_step_clock.h"
#include "engine/cuda_stream.h"
#include "engine/cuda_tail.h"
#include "engine/gpu_ways.h"
#include "engine/measured_plan.h"
#include "engine/memory_plan.h"
#include "kernels/cudnn_cuda.h"

namespace backdrop {

/// cuDNN's ways that are not one kernel keep copies of a layer's input or output, in fp32 most: so many
/// bytes, and no more than the activations have. With 256 rows of a ResNet-50 that does for most from layer2
/// on.
inline constexpr std::size_t kMostCudnnBytes = std::size_t{512} << 20;

/// All calls enqueue on stream() and return at once.
class CudaDenseLayers {
 public:
  /// `layers` must outlive it. `plans` is asked first what was the fastest before, and told what is. What
  /// `without` has is neither tried nor used.
  CudaDenseLayers(const CudaLayers& layers, int batch, const GpuWays& without, PlanFolder& plans);

  /// A value before the fully connected layers, or the one that they read: [batch][H][W][C].
  void* value(int v) const {
    return v == layers_.position_layers() ? tail_.input() : arena_.data() + plan_.offsets[v];
  }
  /// Runs the first so many images from layer `first` on, whose input was filled on stream() and which, as
  /// its followers, reads nothing from before it. Leaves the logits, tail().logits(), and nothing else. A
  /// profile counts multiply-adds of whole windows, padding and all.
  void run(int first, int rows, CudaStepClock& clock);

  /// The time of a layer on a full batch, of our kernel's, when images are computed from layer `first` on.
  double pace(int first, int index) const;
  int batch() const { return batch_; }
  const CudaLayers& layers() const { return layers_; }
  const CudaTail& tail() const { return tail_; }
  const CudaStream& stream() const { return stream_; }
  std::size_t workspace_bytes() const { return arena_.size() + workspace_.size() + tail_.bytes(); }
  /// "cuDNN 9.19.0 for 40 of 53 convolutions" from layer `first` on, or why not, and how many ways gave other
  /// results than our kernels.
  std::string libraries(int first) const;

 private:
  // cuDNN computes full batches: with fewer rows than `least_rows` ours is the faster.
  struct ByCudnn {
    std::unique_ptr<kernels::CudnnConvolution> convolution;  // null: our kernel
    int least_rows = 0;
  };

  struct ByChain {
    std::unique_ptr<CudaChain> chain;  // null: layer by layer
    int percent = 100;                 // of the layers' time
  };

  // What is one convolution to cuDNN, asked, checked and timed once for the `first` layer and all others.
  struct Alike {
    int first;
    kernels::CudnnWays ways;
    std::vector<std::byte> by_ours;
  };
  using ShapeKey = std::array<int, 10>;
  using Chains = std::vector<std::vector<FoundBottleneck>>;

  // engine/cuda_dense_plan.cpp: which ways to compute.
  void choose(PlanFolder& plans);
  void choose_convolutions();
  void choose_chains(const Chains& chains);
  bool follow(const MeasuredPlan& plan);
  bool take(const MeasuredPlan::Convolution& known);
  bool take(const MeasuredPlan::Chain& known);
  MeasuredPlan plan() const;
  const Alike& alike(int index);
  std::unique_ptr<kernels::CudnnConvolution> take(const Alike& known, int way, int index);
  int heaviest_convolution() const;
  Chains usable_chains() const;
  bool is_right(const CudaChain& chain, const std::vector<std::byte>& by_layers);
  bool is_right(const std::vector<std::byte>& expected, int index, int layers);
  std::vector<std::byte> first_and_last_image(int index) const;
  void spoil(int index);

  cudaError_t start(const CudaChain& chain, int rows);
  void clear_activations();
  void run_layer(int index, int rows);
  void run_layer_by_layer(int first, int last);
  void run_layers(int first, int rows, CudaStepClock& clock);

  const CudaLayers& layers_;
  int batch_;
  GpuWays without_;
  MemoryPlan plan_;  // of values 0 .. position_layers() - 1, in bytes
  DeviceBuffer arena_;
  DeviceBuffer workspace_;
  CudaTail tail_;
  CudaStream stream_;
  std::map<int, CudaGraphs> graphs_;  // of run_layers, by the first one
  std::shared_ptr<kernels::Cudnn> cudnn_;
  std::vector<ByCudnn> convolutions_;
  std::map<ShapeKey, Alike> alike_;  // while the ways are chosen
  std::vector<ByChain> chains_;      // by their first layer
  int wrong_ways_ = 0;
  std::string no_cudnn_;  // what there is instead, for people
};

}  // namespace backdrop
