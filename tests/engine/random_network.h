/// \file
/// Small networks and masks drawn by seed: convolutions of several windows, strides and groups, residual
/// joins, pools, fully connected layers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "loaders/image.h"
#include "loaders/mask.h"
#include "models/network.h"

namespace backdrop::test {

/// Of every network here.
inline constexpr int kClasses = 9;

/// A residual network of `size` x `size` input with random depth, widths, strides, groups and activation.
std::shared_ptr<const Network> random_residual_network(int size, unsigned seed);

/// Convolutions and pools in a row with two fully connected layers over all positions, as in VGG.
std::shared_ptr<const Network> random_plain_network(int size, unsigned seed);

/// Convolutions wider than a tile of the GPU's has columns, with groups: what the random networks do not
/// have.
std::shared_ptr<const Network> wide_network(int size);

/// Blocks as no ResNet has them: identities, pools beside, within and behind them, the photo going two ways,
/// grouped convolutions of sums, and nothing between the last block and the fully connected layer.
std::vector<std::shared_ptr<const Network>> unusual_residual_networks(int size);

/// Masks worth testing: "empty", "full", "pixel", "left", "right", "top", "bottom", "checkerboard", "noise",
/// "disc".
const std::vector<std::string>& mask_names();
Mask make_mask(const std::string& name, int size, unsigned seed);

Image random_image(int size, unsigned seed);

}  // namespace backdrop::test
