/// \file
/// The dense operations of a network: every position of every image of a batch, NHWC.
///
/// `*_reference` are plain loops, the oracle of every other implementation. DenseOperation is oneDNN's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/shapes.h"

namespace backdrop::kernels {

/// `residual` may be null; layouts in shapes.h.
void convolution_reference(const ConvolutionShape& shape, int batch, const float* input, const float* weights,
                           const float* bias, const float* residual, float* output);
void max_pool_reference(const PoolShape& shape, int batch, const float* input, float* output);
/// Mean over all positions: [N][height][width][channels] to [N][channels].
void average_pool_reference(int height, int width, int channels, int batch, const float* input,
                            float* output);
/// Weights [outputs][inputs].
void fully_connected_reference(const FullyConnectedShape& shape, int batch, const float* input,
                               const float* weights, const float* bias, float* output);

/// One oneDNN primitive, made for a fixed batch and a single thread, with its weights packed as it likes
/// them. `run` is const and may be called from many threads at once, each with its own scratch memory.
class DenseOperation {
 public:
  DenseOperation(DenseOperation&&) noexcept;
  DenseOperation& operator=(DenseOperation&&) noexcept;
  ~DenseOperation();

  /// With `accumulate` the output array holds the residual on entry: output = activation(conv + bias +
  /// output).
  static DenseOperation convolution(const ConvolutionShape& shape, int batch, const float* weights,
                                    const float* bias, bool accumulate);
  static DenseOperation max_pool(const PoolShape& shape, int batch);
  static DenseOperation average_pool(int height, int width, int channels, int batch);
  static DenseOperation fully_connected(const FullyConnectedShape& shape, int batch, const float* weights,
                                        const float* bias);

  /// Runs on the calling thread alone. `scratch` holds scratch_bytes(), 64-byte aligned.
  void run(const float* input, float* output, void* scratch) const;
  std::size_t scratch_bytes() const;
  /// Bytes of the packed weights.
  std::size_t weight_bytes() const;
  /// oneDNN's name of the kernel it chose ("brgconv:avx512_core").
  std::string implementation() const;

 private:
  struct State;
  explicit DenseOperation(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace backdrop::kernels
