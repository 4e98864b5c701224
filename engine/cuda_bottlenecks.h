/// \file
/// Bottlenecks of a network that one kernel can compute on the dense path (kernels/cuda_bottleneck.h).
#pragma once

#include <cuda_runtime_api.h>

#include <string>
#include <vector>

#include "engine/cuda_layers.h"
#include "kernels/cuda_bottleneck.h"

namespace backdrop {

/// Layers by their numbers.
struct FoundBottleneck {
  int reduce = 0;
  int spatial = 0;
  int shortcut = -1;  ///< -1: the residual is the input
  int expand = 0;
};

/// Bottlenecks of stride 1 that follow one another, at most kMostBottlenecks in each chain. What is between
/// the first input and the last output has no other readers.
std::vector<std::vector<FoundBottleneck>> find_chains(const Network& network);

/// A chain, ready to run.
class CudaChain {
 public:
  /// Blocks compute side x side positions each.
  CudaChain(const CudaLayers& layers, const std::vector<FoundBottleneck>& found, int side);

  /// From and to whole images. An error if the device cannot: then nothing was started.
  cudaError_t run(const void* input, void* output, int images, cudaStream_t stream) const;
  int first_layer() const { return first_layer_; }
  int last_layer() const { return last_layer_; }
  int bottlenecks() const { return arguments_.count; }
  int side() const { return arguments_.side; }
  /// "layer1.0.conv1 to layer1.2.conv3".
  const std::string& name() const { return name_; }

 private:
  kernels::BottleneckConvolution convolution(const CudaLayers& layers, int index);

  Precision precision_;
  int first_layer_;
  int last_layer_;
  std::string name_;
  std::vector<DeviceBuffer> fragments_;
  kernels::BottleneckArguments arguments_;
};

}  // namespace backdrop
