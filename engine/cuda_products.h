/// \file
/// By which instructions of the GPU a network's products are made.
#pragma once

#include "engine/cuda_layers.h"
#include "engine/measured_plan.h"

namespace backdrop {

/// Where the device has both, runs the heaviest convolution by mma.sync and by wgmma, and keeps wgmma if its
/// results are the same but for rounding and it is the faster. Which one is the faster is looked up in
/// `plans` first, and kept there. The weights must be there.
void choose_products(CudaLayers& layers, PlanFolder& plans);

}  // namespace backdrop
