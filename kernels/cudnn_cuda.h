/// \file
/// Dense convolutions by cuDNN's graphs: with residual, bias and ReLU in one kernel.
///
/// \code
/// std::string reason;
/// if (const auto cudnn = Cudnn::open(stream, reason)) {
///   const CudnnWays ways(cudnn, {shape, batch, Precision::fp16, false});
///   for (int i = 0; i < ways.count(); ++i)
///     if (const auto convolution = ways.take(i, buffers)) convolution->run();
/// }
/// \endcode
///
/// The library is loaded when it is first asked for, so that a machine without it can do everything else.
/// Source: NVIDIA cuDNN backend API, version 9.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/precision.h"
#include "kernels/shapes.h"

namespace backdrop::kernels {

/// A handle on one device and stream. One thread at a time.
class Cudnn {
 public:
  /// Null, with the reason, if the library cannot be loaded or does not work here.
  static std::shared_ptr<Cudnn> open(cudaStream_t stream, std::string& reason);
  /// To ask, without a device, what cuDNN would do on one: `properties` is JSON as cuDNN writes it
  /// (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION). Nothing can run.
  static std::shared_ptr<Cudnn> open_for(const std::string& properties, std::string& reason);
  ~Cudnn();

  /// "9.19.0".
  std::string version() const;

 private:
  friend class CudnnWays;
  friend class CudnnConvolution;
  struct State;
  explicit Cudnn(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// output = relu(convolution(input) + residual + bias) of a batch, NHWC, in fp32, tf32, fp16 or bf16.
struct CudnnFusion {
  ConvolutionShape shape;  ///< `slope` 0 or 1: cuDNN has no kernels, ahead of time, for other activations
  int batch = 0;
  Precision precision = Precision::fp32;
  bool residual = false;
};

/// Device memory, 16-byte aligned. Weights [K][kernel][kernel][C / groups]; all in the precision's own type,
/// the bias, too. `residual` is null where there is none, and nothing but input and weights may overlap.
struct CudnnBuffers {
  const void* input = nullptr;
  const void* weights = nullptr;
  const void* residual = nullptr;
  const void* bias = nullptr;
  void* output = nullptr;
  void* workspace = nullptr;
  std::int64_t workspace_bytes = 0;
};

/// One way to compute a fusion, on buffers of its own.
class CudnnConvolution {
 public:
  ~CudnnConvolution();

  int way() const { return way_; }
  /// Enqueues it on the handle's stream. False if cuDNN refuses.
  bool run() const;

 private:
  friend class CudnnWays;
  struct State;
  CudnnConvolution(int way, std::unique_ptr<State> state);
  int way_;
  std::unique_ptr<State> state_;
};

/// The ways that cuDNN proposes for a fusion, the most promising first: always the same for one version,
/// device and fusion. Ways that have to be compiled, that round to less than the precision has or that are
/// not deterministic are not among them.
class CudnnWays {
 public:
  CudnnWays(std::shared_ptr<Cudnn> cudnn, const CudnnFusion& fusion);
  ~CudnnWays();

  int count() const;
  /// Null if there is no such way, or it does not work here or needs more workspace.
  std::unique_ptr<CudnnConvolution> take(int way, const CudnnBuffers& buffers) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace backdrop::kernels
