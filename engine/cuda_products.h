/// \file
/// By which instructions of the GPU a network's products are made.
#pragma once

#include <string>

#include "engine/cuda_device.h"
#include "engine/cuda_layers.h"
#include "engine/gpu_ways.h"
#include "engine/measured_plan.h"

namespace backdrop {

/// Whether none of the ways that `without` has is needed to multiply so.
bool allowed(kernels::Products products, const GpuWays& without);

/// Runs the heaviest convolution (of each form of inputs) by all products that the device has in this
/// precision, and keeps the fastest whose results are the same but for rounding; after wgmma likewise one
/// convolution of each shape that fits clusters by small tiles and by clusters. Which one is the fastest is
/// looked up in `plans` first, and kept there. What `without` has is not tried. The weights must be there.
void choose_products(CudaLayers& layers, const CudaDevice& device, const GpuWays& without, PlanFolder& plans);

/// For descriptions: " by wgmma", say, and how many layers by clusters; nothing of mma.sync or plain fp32.
std::string describe_products(const CudaLayers& layers);

}  // namespace backdrop
