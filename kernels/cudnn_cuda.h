/// \file
/// Dense convolutions by cuDNN, NHWC, without bias: epilogue_cuda adds it.
///
/// The library is loaded when it is first asked for, so that a machine without it can do everything else.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "kernels/precision.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

/// A handle on one device and stream. One thread at a time.
class Cudnn {
 public:
  /// Null, with the reason, if the library cannot be loaded or does not work here.
  static std::shared_ptr<Cudnn> open(cudaStream_t stream, std::string& reason);
  ~Cudnn();

  /// "9.19.0".
  std::string version() const;

 private:
  friend class CudnnConvolution;
  struct State;
  explicit Cudnn(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One of cuDNN's ways to convolve, by its own numbers (cudnnConvolutionFwdAlgo_t, cudnnMathType_t).
struct CudnnAlgorithm {
  int number = 0;
  int math = 0;
};

/// One convolution at a fixed batch.
class CudnnConvolution {
 public:
  /// The fastest algorithm in a measurement of all on the buffers given, whose contents (but for the input
  /// and weights) it overwrites.
  CudnnConvolution(std::shared_ptr<Cudnn> cudnn, const ConvolutionShape& shape, int batch,
                   Precision precision, const void* input, const void* weights, void* output, void* workspace,
                   std::size_t workspace_bytes);
  /// This algorithm, whatever the numbers: what cuDNN does not have, or may not be used, is not usable.
  CudnnConvolution(std::shared_ptr<Cudnn> cudnn, const ConvolutionShape& shape, int batch,
                   Precision precision, const CudnnAlgorithm& algorithm, std::size_t workspace_bytes);
  ~CudnnConvolution();

  /// False: cuDNN has no algorithm for this shape.
  bool usable() const;
  CudnnAlgorithm algorithm() const;
  /// Weights [K][kernel][kernel][C / groups]. False if cuDNN refuses.
  bool run(const void* input, const void* weights, void* output, void* workspace) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace backdrop::kernels
