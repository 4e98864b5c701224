/// \file
/// The position convolution of pixels (cuda_pixel_loader.h). Networks give their first layer 64 or 96 output
/// channels, so it has one width of tiles.
#pragma once

#include "kernels/cuda_pixel_loader.h"
#include "kernels/position_kernel.cuh"

namespace backdrop::kernels {

template <class Product>
cudaError_t launch_pixels(const ConvolutionArguments& arguments, cudaStream_t stream) {
  if (arguments.products != Products::warps)
    return launch_convolution<WarpgroupMath<Product, 64>, tile::PixelLoader>(arguments, stream);
  return launch_convolution<MatrixMath<Product, 64>, tile::PixelLoader>(arguments, stream);
}

}  // namespace backdrop::kernels
