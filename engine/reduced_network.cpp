#include "engine/reduced_network.h"

#include <algorithm>

#include "engine/layer_shapes.h"
#include "engine/padded_network.h"
#include "engine/stored_values.h"
#include "kernels/composite.h"
#include "kernels/reduced_pool.h"

namespace backdrop {
namespace {

using kernels::DotOutput;
using kernels::RowPointers;

std::int64_t products_of(const Layer& layer) {
  return std::int64_t{layer.in.channels} / layer.groups * layer.out.channels;
}

std::vector<std::size_t> bytes_of(const std::vector<Precision>& stored) {
  std::vector<std::size_t> bytes;
  for (const Precision form : stored) bytes.push_back(element_bytes(form));
  return bytes;
}

}  // namespace

ReducedNetwork::ReducedNetwork(const Network& given, const ReducedOptions& options)
    : PositionNetwork(std::make_shared<const Network>(pad_for_device(given, kernels::kDotLanes)),
                      options.rows, bytes_of(stored_values(given, options.precision, options.bf16_sums))),
      stored_(stored_values(given, options.precision, options.bf16_sums)),
      calibration_(options.calibration) {
  calibration_.values.resize(first_fully_connected(network()) + 1);
  const int count = first_fully_connected(network());
  convolutions_.resize(count);
  tiled_.resize(count);
  for (int i = 0; i < count; ++i) {
    products_.push_back({products_of(given.layers[i]), products_of(network().layers[i])});
    add_whole_lists(i, can_tile(i, options));
  }
  const auto add = [&](std::size_t i, int) {
    if (network().layers[i].kind == LayerKind::convolution) add_convolution(static_cast<int>(i), options);
  };
  if (options.pool != nullptr)
    options.pool->run(count, add);
  else
    for (int i = 0; i < count; ++i) add(i, 0);
  const kernels::NormalizationTable table =
      kernels::make_normalization_table(given.normalization.mean, given.normalization.deviation);
  const kernels::ValueScale scale = int16_pixel_scale(given.normalization);
  for (const auto& channel : table.values)
    for (const float value : channel)
      pixel_table_.push_back(options.precision == Precision::int16
                                 ? static_cast<std::uint16_t>(kernels::to_int16(value, scale))
                                 : kernels::to_bf16(value));
}

void ReducedNetwork::add_convolution(int index, const ReducedOptions& options) {
  const Layer& layer = network().layers[index];
  kernels::DotScales scales = layer_scales(network(), index, calibration_, options.precision);
  const Precision read = stored_[layer.input];
  const Precision multiplied = multiplied_as(network(), index, stored_);
  scales.read = read;
  scales.written = stored_[index + 1];
  if (multiplied == Precision::bf16) scales.terms = weight_terms(network(), index);
  if (can_tile(index, options))
    tiled_[index].emplace(read, convolution_shape(layer), layer.weights.data(), layer.bias.data(), scales,
                          options.portable);
  convolutions_[index].emplace(multiplied, convolution_shape(layer), layer.weights.data(), layer.bias.data(),
                               std::move(scales), options.portable);
}

// The last layer writes floats, which only lists do. Where tile registers multiply, lists are faster and more
// exact than Winograd's sums.
bool ReducedNetwork::can_tile(int index, const ReducedOptions& options) const {
  const Layer& layer = network().layers[index];
  return options.tiles && backdrop::can_tile(layer) && layer.input != 0 &&
         index + 1 < first_fully_connected(network()) &&
         (options.portable || options.precision == Precision::int16 ||
          (kernels::has_dot_instructions(Precision::bf16) &&
           !kernels::has_tile_block(stored_[layer.input], layer.in.channels / layer.groups)));
}

kernels::ValueScale ReducedNetwork::value_scale(int value) const {
  const kernels::ValueScale& bytes = calibration_.values[value];
  return stored_[value] == Precision::int16 ? kernels::int16_scale(bytes) : bytes;
}

DotOutput ReducedNetwork::output_kind(int index) const {
  return index + 1 == layers() ? DotOutput::real : DotOutput::stored;
}

std::int64_t ReducedNetwork::run_positions(int index, const PositionList& list, int rows,
                                           const RowPointers& input, const RowPointers* residual,
                                           const void* starts, void* const* output, std::byte*) const {
  const Layer& layer = network().layers[index];
  const DotOutput kind = output_kind(index);
  if (layer.kind == LayerKind::convolution)
    return convolutions_[index]->run(list.work(), rows, input, residual, starts, kind, output) /
           products_[index].padded * products_[index].given;
  const kernels::ReducedPool pool{stored_[layer.input], layer.in.channels, value_scale(layer.input),
                                  value_scale(index + 1), kind};
  if (layer.kind == LayerKind::max_pool)
    kernels::reduced_max_pool(pool, list.work(), rows, input, output);
  else
    kernels::reduced_average_pool(pool, list.work(), rows, input, output);
  return 0;
}

std::int64_t ReducedNetwork::run_tiles(int index, const TileList& tiles, int rows, const RowPointers& input,
                                       const RowPointers* residual, void* const* output,
                                       std::byte* scratch) const {
  return tiled_[index]->run(tiles.work(), rows, input, residual, output, scratch) / products_[index].padded *
         products_[index].given;
}

std::size_t ReducedNetwork::scratch_bytes() const {
  std::size_t bytes = 0;
  for (const auto& convolution : tiled_)
    if (convolution) bytes = std::max(bytes, convolution->scratch_bytes());
  return bytes;
}

void ReducedNetwork::run_starts(int index, const PositionList& list, const RowPointers& input,
                                void* starts) const {
  void* const output[1] = {starts};
  convolutions_[index]->run(list.work(), 1, input, nullptr, nullptr, DotOutput::sums, output);
}

void ReducedNetwork::write_pixels(const std::uint8_t* photo, const std::uint8_t* mask, std::size_t pixels,
                                  std::byte* to) const {
  auto* bytes = reinterpret_cast<std::uint8_t*>(to);
  auto* halves = reinterpret_cast<std::uint16_t*>(to);
  for (std::size_t p = 0; p < pixels; ++p) {
    if (mask != nullptr && mask[p] == 0) continue;
    for (std::size_t c = 0; c < 3; ++c) {
      if (stored_[0] == Precision::int8)
        bytes[c] = photo[3 * p + c];
      else
        halves[c] = pixel_table_[256 * c + photo[3 * p + c]];
    }
    if (stored_[0] == Precision::int8)
      bytes[3] = 0;
    else
      halves[3] = 0;
    bytes += kPixelChannels;
    halves += kPixelChannels;
  }
}

std::size_t ReducedNetwork::weight_bytes() const {
  std::size_t bytes = 0;
  for (const auto& convolution : convolutions_)
    if (convolution) bytes += convolution->weight_bytes();
  for (const auto& convolution : tiled_)
    if (convolution) bytes += convolution->weight_bytes();
  return bytes;
}

void ReducedNetwork::break_scale(int index, float factor) {
  for (float& scale : convolutions_[index]->scale()) scale *= factor;
}

}  // namespace backdrop
