#include "engine/position_network.h"

#include <algorithm>

#include "engine/layer_shapes.h"
#include "kernels/position_pool.h"

namespace backdrop {

PositionNetwork::PositionNetwork(std::shared_ptr<const Network> network, int rows, InstructionSet set)
    : network_(std::move(network)), rows_(rows) {
  for (int i = 0; i < first_fully_connected(*network_); ++i) {
    const Layer& layer = network_->layers[i];
    convolutions_.emplace_back();
    tiled_.emplace_back();
    if (can_tile(layer))
      tiled_.back().emplace(convolution_shape(layer), layer.weights.data(), layer.bias.data(), set);
    if (layer.kind == LayerKind::convolution)
      convolutions_.back().emplace(convolution_shape(layer), layer.weights.data(), layer.bias.data(), set);
    whole_.positions.push_back(
        std::make_shared<const PositionList>(whole_layer_list(*network_, i, kernels::Source::mixed, rows)));
    whole_.tiles.push_back(whole_tile_list(*network_, i, kernels::Source::mixed, rows));
  }
}

std::int64_t PositionNetwork::run_positions(int index, const PositionList& list, int rows,
                                            const kernels::RowPointers& input,
                                            const kernels::RowPointers* residual, const float* starts,
                                            float* const* output) const {
  const Layer& layer = network_->layers[index];
  if (layer.kind == LayerKind::max_pool) {
    kernels::position_max_pool(layer.in.channels, list.work(), rows, input, output);
    return 0;
  }
  if (layer.kind == LayerKind::average_pool) {
    kernels::position_average_pool(layer.in.channels, list.work(), rows, input, output);
    return 0;
  }
  return convolutions_[index]->run(list.work(), rows, input, residual, starts, slope_of(layer.activation),
                                   output);
}

std::int64_t PositionNetwork::run_tiles(int index, const TileList& tiles, int rows,
                                        const kernels::RowPointers& input,
                                        const kernels::RowPointers* residual, float* const* output,
                                        float* scratch) const {
  const float slope = slope_of(network_->layers[index].activation);
  return tiled_[index]->run(tiles.work(), rows, input, residual, slope, output, scratch);
}

std::size_t PositionNetwork::scratch_floats() const {
  std::size_t floats = 0;
  for (const auto& convolution : tiled_)
    if (convolution)
      floats = std::max({floats, convolution->scratch_floats(rows_), convolution->scratch_floats(1)});
  return floats;
}

void PositionNetwork::run_starts(int index, const PositionList& list, const kernels::RowPointers& input,
                                 float* starts) const {
  float* const output[1] = {starts};
  convolutions_[index]->run(list.work(), 1, input, nullptr, nullptr, 1.0f, output);
}

std::size_t PositionNetwork::weight_bytes() const {
  std::size_t bytes = 0;
  for (const auto& convolution : convolutions_)
    if (convolution) bytes += convolution->weight_bytes();
  for (const auto& convolution : tiled_)
    if (convolution) bytes += convolution->weight_bytes();
  return bytes;
}

}  // namespace backdrop
