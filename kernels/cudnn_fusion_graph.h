/// \file
/// A fused convolution as a graph of cuDNN's operations.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "kernels/cudnn_backend.h"

namespace backdrop::kernels {

/// Names of a graph's tensors, by which memory is given to them.
enum CudnnTensor : std::int64_t {
  kCudnnInput = 1,
  kCudnnWeights,
  kCudnnResidual,
  kCudnnBias,
  kCudnnOutput,
  kFirstVirtual
};

/// The operations of a fusion and all that they are made of.
class FusionGraph {
 public:
  /// `handle` is null where the graph is for a device by its properties.
  FusionGraph(const CudnnFunctions& functions, cudnnHandle_t handle, const CudnnFusion& fusion);

  /// Not good if cuDNN refuses any of it.
  const CudnnDescriptor& graph() const { return graph_; }

 private:
  using Dimensions = std::array<std::int64_t, 4>;  // N, C, H, W

  CudnnDescriptor& add(cudnnBackendDescriptorType_t type);
  const CudnnDescriptor& add_tensor(CudnnTensor name, const Dimensions& dimensions);
  const CudnnDescriptor& add_virtual(const Dimensions& dimensions);
  const CudnnDescriptor& add_tensor(std::int64_t name, const Dimensions& dimensions, cudnnDataType_t type,
                                    bool is_virtual);
  void add_convolution(const ConvolutionShape& shape, const CudnnDescriptor& input,
                       const CudnnDescriptor& weights, const CudnnDescriptor& output);
  // `other` is a sum's second one, else null.
  void add_pointwise(cudnnPointwiseMode_t mode, const CudnnDescriptor& input, const CudnnDescriptor* other,
                     const CudnnDescriptor& output);

  const CudnnFunctions& functions_;
  cudnnDataType_t type_;
  std::vector<std::unique_ptr<CudnnDescriptor>> parts_;
  std::vector<cudnnBackendDescriptor_t> operations_;
  CudnnDescriptor graph_;
};

}  // namespace backdrop::kernels
