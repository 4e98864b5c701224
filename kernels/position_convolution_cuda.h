/// \file
/// Convolution at a list of positions on the GPU (kernels/cuda_tile.h says how). The fully connected layers
/// are the same: one position, one tap.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda_pixel_loader.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

/// Whether the kernels know such a shape. In fp8 pixels are multiplied by int8's.
inline bool can_convolve(Precision precision, const ConvolutionArguments& a) {
  const bool whole_chunks = a.group_channels % chunk_elements(precision) == 0;
  // What is stored as bytes is within a block.
  const bool fits = a.scales.stored != StoredAs::bytes || a.work.residual == nullptr;
  return fits && (whole_chunks || (tile::reads_pixels(a) && precision != Precision::fp8)) &&
         a.group_columns % tile::kPieceColumns == 0 && a.window <= tile::kMaxWindow;
}

/// Enqueues the convolution; nothing to do for an empty list. Every position's taps must be in rising order
/// of weight. Needs compute capability 8.0; by clusters taps that fit them (kernels/cluster_weights.h).
cudaError_t position_convolution_cuda(Precision precision, const ConvolutionArguments& arguments,
                                      cudaStream_t stream);

/// Whether the current device multiplies so in this precision, and this build has code for it: by wgmma with
/// compute capability 9.0, in all but tf32; by terms in fp32.
bool has_products(Precision precision, Products products);

/// The same in 8 bits, by arguments that position_convolution_cuda has checked. e4m3 needs compute capability
/// 8.9.
cudaError_t position_convolution_int8_cuda(const ConvolutionArguments& arguments, cudaStream_t stream);
cudaError_t position_convolution_fp8_cuda(const ConvolutionArguments& arguments, cudaStream_t stream);

}  // namespace backdrop::kernels
