/// \file
/// The layers of each family of architectures, in execution order.
#pragma once

#include "models/architectures.h"
#include "models/assembly.h"

namespace backdrop {

/// ResNet, Wide ResNet, ResNeXt and leaky ResNet.
void assemble_resnet(const Architecture& architecture, Assembly& assembly);

/// VGG with and without batch normalisation, and AlexNet: one chain of layers without branches.
void assemble_sequential(const Architecture& architecture, Assembly& assembly, const TensorSource& tensors);

}  // namespace backdrop
