/// \file
/// timm's state dicts where they differ from torchvision's
/// (https://github.com/huggingface/pytorch-image-models).
///
/// VGG's classifier is made of convolutions there: `pre_logits.fc1` [4096,512,7,7] is `classifier.0`
/// [4096,25088], `pre_logits.fc2` [4096,4096,1,1] is `classifier.3` [4096,4096], and `head.fc` is
/// `classifier.6`. The values and their order are the same. timm's ResNets have torchvision's names.
#pragma once

#include "loaders/tensor.h"

namespace backdrop {

/// Renames and reshapes; does nothing to a state dict without timm's names. Throws bad_input if both are
/// there.
void rename_timm(StateDict& tensors);

}  // namespace backdrop
