/// \file
/// A network in the shape that the GPU's kernels take, and the CPU's below fp32: the same function with
/// channels padded by zeros to whole 16-byte accesses, pixels to four, and narrow groups of channels merged.
#pragma once

#include <vector>

#include "models/network.h"

namespace backdrop {

/// kPixelChannels of value 0 (3 are real), every other value a multiple of `channels`, which 8 divides.
/// Padded channels are 0 everywhere, padded logits 0 too: the first network.classes() logits are the
/// network's. Groups narrower than `columns` are merged into wider ones with zeros between them, or into one.
/// Throws usage for a network that the kernels cannot run.
Network pad_for_device(const Network& network, int columns = 64, int channels = 8);

/// A convolution's or fully connected layer's weights as [K][tap of the window][channel of the group]: the
/// order of the position kernels, and of cuDNN's NHWC filters. A fully connected layer has one tap.
std::vector<float> device_weights(const Layer& layer);

}  // namespace backdrop
