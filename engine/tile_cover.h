/// \file
/// Where to lay the tiles of Winograd's convolution over the mixed positions of a layer. Tiles read and write
/// through pointers, so they may lie anywhere: on the thin bands that a mask leaves, far fewer are needed
/// than of a grid's.
#pragma once

#include <vector>

#include "kernels/position_work.h"
#include "models/network.h"

namespace backdrop {

/// A tile's first output.
struct TilePlace {
  int y = 0;
  int x = 0;
};

/// Tiles that together hold every position of `kind` among `kinds`, the layer's outputs: the fewest that lie
/// in bands of rows, or in bands of columns. Some may overlap or stick out of the image.
std::vector<TilePlace> cover_with_tiles(const Layer& layer, const std::vector<kernels::Source>& kinds,
                                        kernels::Source kind);

}  // namespace backdrop
