/// \file
/// The tiles of Winograd's convolution at one layer, built from the mask once a foreground (and once a
/// network for the layers where every position is computed).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/position_sets.h"
#include "kernels/winograd.h"

namespace backdrop {

/// One layer's tiles, owning what TileWork points to.
struct TileList {
  std::vector<kernels::Tap> inputs;
  std::vector<std::int32_t> outputs;
  std::vector<kernels::Tap> residual;

  kernels::TileWork work() const { return {inputs, outputs, residual}; }
};

/// Appends the tile of `layer` whose first output is (y0, x0). `input(p)` and `residual(p)` give the tap of a
/// position inside the image, `output(p)` where its result goes, -1 if it is not wanted.
template <class Input, class Output, class Residual>
void add_tile(const Layer& layer, int y0, int x0, const Input& input, const Output& output,
              const Residual& residual, TileList& list) {
  constexpr int kInputs = kernels::kTileInputs;
  for (int i = 0; i < kInputs * kInputs; ++i) {
    const int y = y0 + i / kInputs - 1;
    const int x = x0 + i % kInputs - 1;
    const bool inside = y >= 0 && y < layer.in.height && x >= 0 && x < layer.in.width;
    list.inputs.push_back(inside ? input(y * layer.in.width + x)
                                 : kernels::Tap{0, kernels::kOutside, kernels::Source::mixed});
  }
  for (int i = 0; i < kTile * kTile; ++i) {
    const int y = y0 + i / kTile;
    const int x = x0 + i % kTile;
    const bool inside = y < layer.out.height && x < layer.out.width;
    list.outputs.push_back(inside ? output(y * layer.out.width + x) : -1);
    if (layer.residual >= 0)
      list.residual.push_back(inside ? residual(y * layer.out.width + x) : kernels::Tap{});
  }
}

/// Calls `visit(y0, x0)` for the first output of every aligned tile.
template <class Visit>
void for_each_tile(const Layer& layer, const Visit& visit) {
  for (int y0 = 0; y0 < layer.out.height; y0 += kTile)
    for (int x0 = 0; x0 < layer.out.width; x0 += kTile) visit(y0, x0);
}

}  // namespace backdrop
