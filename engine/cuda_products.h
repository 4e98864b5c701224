/// \file
/// By which instructions of the GPU a network's products are made.
#pragma once

#include <string>

#include "engine/cuda_device.h"
#include "engine/cuda_layers.h"
#include "engine/gpu_ways.h"
#include "engine/measured_plan.h"

namespace backdrop {

/// Where the device has both, runs the heaviest convolution by mma.sync and by wgmma, and keeps wgmma if its
/// results are the same but for rounding and it is the faster; then likewise one convolution of each shape
/// that fits clusters by small tiles and by clusters. Which one is the faster is looked up in `plans` first,
/// and kept there. What `without` has is not tried. The weights must be there.
void choose_products(CudaLayers& layers, const CudaDevice& device, const GpuWays& without, PlanFolder& plans);

/// For descriptions: " by wgmma", and how many layers by clusters; empty without wgmma.
std::string describe_products(const CudaLayers& layers);

}  // namespace backdrop
