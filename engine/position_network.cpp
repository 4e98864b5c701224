#include "engine/position_network.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/layer_shapes.h"
#include "kernels/composite.h"
#include "kernels/position_convolution.h"
#include "kernels/position_pool.h"
#include "kernels/split_convolution.h"

namespace backdrop {
namespace {

using kernels::RowPointers;

class FloatNetwork final : public PositionNetwork {
 public:
  FloatNetwork(const std::shared_ptr<const Network>& shared, const BatchRows& rows, InstructionSet set,
               ThreadPool& pool)
      : PositionNetwork(shared, rows,
                        std::vector<std::size_t>(first_fully_connected(*shared) + 1, sizeof(float))),
        table_(kernels::make_normalization_table(network().normalization.mean,
                                                 network().normalization.deviation)) {
    const int count = first_fully_connected(network());
    convolutions_.resize(count);
    tiled_.resize(count);
    split_.resize(count);
    for (int i = 0; i < count; ++i) add_whole_lists(i, can_tile(network().layers[i]));
    pool.run(count, [&](std::size_t i, int) {
      const Layer& layer = network().layers[i];
      if (layer.kind != LayerKind::convolution) return;
      const kernels::ConvolutionShape shape = convolution_shape(layer);
      if (set == InstructionSet::avx512 && !can_tile(layer) && kernels::SplitConvolution::applies(shape))
        split_[i].emplace(shape, layer.weights.data(), layer.bias.data());
      convolutions_[i].emplace(shape, layer.weights.data(), layer.bias.data(), set);
      if (can_tile(layer)) tiled_[i].emplace(shape, layer.weights.data(), layer.bias.data(), set);
    });
  }

  std::int64_t run_positions(int index, const PositionList& list, int rows, const RowPointers& input,
                             const RowPointers* residual, const void* starts, void* const* output,
                             std::byte* scratch) const override {
    const Layer& layer = network().layers[index];
    const FloatRows out(output, rows);
    if (layer.kind == LayerKind::max_pool) {
      kernels::position_max_pool(layer.in.channels, list.work(), rows, input, out.rows);
      return 0;
    }
    if (layer.kind == LayerKind::average_pool) {
      kernels::position_average_pool(layer.in.channels, list.work(), rows, input, out.rows);
      return 0;
    }
    const float slope = slope_of(layer.activation);
    const float* const sums = static_cast<const float*>(starts);
    if (split_[index] && split_[index]->takes(list.work()))
      return split_[index]->run(list.work(), rows, input, residual, sums, slope, out.rows, scratch);
    return convolutions_[index]->run(list.work(), rows, input, residual, sums, slope, out.rows);
  }

  std::int64_t run_tiles(int index, const TileList& tiles, int rows, const RowPointers& input,
                         const RowPointers* residual, void* const* output,
                         std::byte* scratch) const override {
    const FloatRows out(output, rows);
    return tiled_[index]->run(tiles.work(), rows, input, residual,
                              slope_of(network().layers[index].activation), out.rows,
                              reinterpret_cast<float*>(scratch));
  }

  std::size_t scratch_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& convolution : tiled_)
      if (convolution) bytes = std::max(bytes, convolution->scratch_floats() * sizeof(float));
    for (const auto& convolution : split_)
      if (convolution) bytes = std::max(bytes, convolution->scratch_bytes());
    return bytes;
  }

  void run_starts(int index, const PositionList& list, const RowPointers& input,
                  void* starts) const override {
    float* const output[1] = {static_cast<float*>(starts)};
    convolutions_[index]->run(list.work(), 1, input, nullptr, nullptr, 1.0f, output);
  }

  void write_pixels(const std::uint8_t* photo, const std::uint8_t* mask, std::size_t pixels,
                    std::byte* to) const override {
    float* pixel = reinterpret_cast<float*>(to);
    for (std::size_t p = 0; p < pixels; ++p)
      if (mask == nullptr || mask[p] != 0)
        for (std::size_t c = 0; c < 3; ++c) *pixel++ = table_.values[c][photo[3 * p + c]];
  }

  bool splits(int index) const override { return split_[index].has_value(); }

  std::size_t weight_bytes() const override {
    std::size_t bytes = 0;
    for (const auto& convolution : convolutions_)
      if (convolution) bytes += convolution->weight_bytes();
    for (const auto& convolution : tiled_)
      if (convolution) bytes += convolution->weight_bytes();
    for (const auto& convolution : split_)
      if (convolution) bytes += convolution->weight_bytes();
    return bytes;
  }

 private:
  struct FloatRows {
    float* rows[kernels::kMaxRows];
    FloatRows(void* const* output, int count) {
      for (int r = 0; r < count; ++r) rows[r] = static_cast<float*>(output[r]);
    }
  };

  kernels::NormalizationTable table_;
  std::vector<std::optional<kernels::PositionConvolution>> convolutions_;  // none for a pool
  std::vector<std::optional<kernels::WinogradConvolution>> tiled_;         // where can_tile()
  std::vector<std::optional<kernels::SplitConvolution>> split_;            // where it applies
};

}  // namespace

PositionNetwork::PositionNetwork(std::shared_ptr<const Network> network, const BatchRows& rows,
                                 std::vector<std::size_t> element_bytes)
    : network_(std::move(network)), rows_(rows) {
  whole_.element_bytes = std::move(element_bytes);
}

void PositionNetwork::add_whole_lists(int index, bool tiled) {
  whole_.positions.push_back(std::make_shared<const PositionList>(
      whole_layer_list(*network_, index, kernels::Source::mixed, rows_)));
  whole_.tiles.push_back(tiled ? whole_tile_list(*network_, index, kernels::Source::mixed, rows_) : nullptr);
}

std::unique_ptr<PositionNetwork> make_float_network(std::shared_ptr<const Network> network,
                                                    const BatchRows& rows, InstructionSet set,
                                                    ThreadPool& pool) {
  return std::make_unique<FloatNetwork>(network, rows, set, pool);
}

}  // namespace backdrop
