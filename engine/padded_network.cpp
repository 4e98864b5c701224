#include "engine/padded_network.h"

#include "backdrop/error.h"
#include "core/rounding.h"
#include "kernels/cuda_tile.h"
#include "kernels/precision.h"

namespace backdrop {
namespace {

// How many groups to merge into one, so that each is whole 16-byte accesses and fills a tile if it can.
int merged_groups(const Layer& layer, int tile_columns, int multiple) {
  const int channels = layer.in.channels / layer.groups;
  const int columns = layer.out.channels / layer.groups;
  for (int merge = 1; merge < layer.groups; ++merge)
    if (layer.groups % merge == 0 && merge * channels % multiple == 0 && merge * columns % multiple == 0 &&
        merge * columns >= tile_columns)
      return merge;
  return layer.groups;
}

void pad_convolution(const Layer& from, Layer& to, int columns, int multiple) {
  to.groups = from.groups / merged_groups(from, columns, multiple);
  const int window = from.kernel * from.kernel;
  const int from_channels = from.in.channels / from.groups;
  const int from_columns = from.out.channels / from.groups;
  const int to_channels = to.in.channels / to.groups;
  const int to_columns = to.out.channels / to.groups;
  to.weights.assign(std::size_t(to.out.channels) * to_channels * window, 0.0f);
  for (int k = 0; k < from.out.channels; ++k) {
    const int first = k / to_columns * to_channels;  // input channel that the merged group starts with
    for (int c = 0; c < from_channels; ++c) {
      const int channel = k / from_columns * from_channels + c - first;
      for (int tap = 0; tap < window; ++tap)
        to.weights[(std::size_t(k) * to_channels + channel) * window + tap] =
            from.weights[(std::size_t(k) * from_channels + c) * window + tap];
    }
  }
}

void pad_fully_connected(const Layer& from, Layer& to) {
  const int positions = from.in.height * from.in.width;
  to.weights.assign(std::size_t(to.out.channels) * to.in.size(), 0.0f);
  for (int k = 0; k < from.out.channels; ++k)
    for (int p = 0; p < positions; ++p)
      for (int c = 0; c < from.in.channels; ++c)
        to.weights[(std::size_t(k) * positions + p) * to.in.channels + c] =
            from.weights[(std::size_t(k) * positions + p) * from.in.channels + c];
}

}  // namespace

Network pad_for_device(const Network& network, int columns, int channels) {
  Network padded;
  padded.arch = network.arch;
  padded.normalization = network.normalization;
  padded.input = network.input;
  padded.input.channels = kPixelChannels;
  for (const Layer& layer : network.layers) {
    const bool weighted = layer.kind == LayerKind::convolution || layer.kind == LayerKind::fully_connected;
    if (layer.kernel * layer.kernel > kernels::tile::kMaxWindow ||
        (layer.input == 0 && layer.kind != LayerKind::convolution))
      throw Error(
          ErrorCode::usage,
          "layer " + layer.name + " cannot run on a GPU or below fp32: use --device cpu --precision fp32");
    Layer& to = padded.layers.emplace_back();
    to.name = layer.name;
    to.kind = layer.kind;
    to.input = layer.input;
    to.residual = layer.residual;
    to.kernel = layer.kernel;
    to.stride = layer.stride;
    to.padding = layer.padding;
    to.activation = layer.activation;
    to.in = padded.shape(layer.input);
    to.out = layer.out;
    to.out.channels = weighted ? round_up(layer.out.channels, channels) : to.in.channels;
    if (layer.kind == LayerKind::convolution) pad_convolution(layer, to, columns, channels);
    if (layer.kind == LayerKind::fully_connected) pad_fully_connected(layer, to);
    if (!weighted) continue;
    to.bias = layer.bias;
    to.bias.resize(to.out.channels, 0.0f);
  }
  return padded;
}

std::vector<float> device_weights(const Layer& layer) {
  if (layer.kind == LayerKind::fully_connected) return layer.weights;
  const int window = layer.kernel * layer.kernel;
  const int channels = layer.in.channels / layer.groups;
  std::vector<float> packed(layer.weights.size());
  for (int k = 0; k < layer.out.channels; ++k)
    for (int c = 0; c < channels; ++c)
      for (int tap = 0; tap < window; ++tap)
        packed[(std::size_t(k) * window + tap) * channels + c] =
            layer.weights[(std::size_t(k) * channels + c) * window + tap];
  return packed;
}

}  // namespace backdrop
