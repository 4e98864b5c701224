/// \file
/// Layers from tensors, see assembly.h.
#include "models/assembly.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "models/fold.h"

namespace backdrop {
namespace {

/// Of one photo. The engine's offsets have 32 bits, and up to 16 photos lie side by side; the largest
/// activation of a supported architecture has a twentieth of this.
constexpr std::int64_t kMostActivations = std::int64_t{1} << 26;

/// [K][C*H*W], as PyTorch flattens, to [K][H][W][C].
std::vector<float> to_channels_last(const std::vector<float>& matrix, int outputs, const ValueShape& in) {
  const std::size_t plane = static_cast<std::size_t>(in.height) * in.width;
  const std::size_t channels = static_cast<std::size_t>(in.channels);
  std::vector<float> result(matrix.size());
  for (std::size_t k = 0; k < static_cast<std::size_t>(outputs); ++k) {
    const float* source = matrix.data() + k * plane * channels;
    float* target = result.data() + k * plane * channels;
    for (std::size_t position = 0; position < plane; ++position) {
      for (std::size_t c = 0; c < channels; ++c)
        target[position * channels + c] = source[c * plane + position];
    }
  }
  return result;
}

}  // namespace

Assembly::Assembly(TensorSource& tensors, Network& network, bool folded)
    : tensors_(tensors), network_(network), folded_(folded) {}

int Assembly::convolution(const ConvolutionSpec& spec) {
  Layer layer =
      windowed_layer(spec.name, LayerKind::convolution, spec.input, spec.kernel, spec.stride, spec.padding);
  const int channels = output_channels(spec);
  layer.out.channels = channels;
  layer.groups = group_count(spec, channels);
  layer.activation = spec.activation;
  layer.residual = spec.residual;
  layer.weights = tensors_.take(spec.name + ".weight",
                                {channels, layer.in.channels / layer.groups, spec.kernel, spec.kernel}, 0.0f);
  if (folded_ || spec.bias) {
    layer.bias = tensors_.take(spec.name + ".bias", {channels}, 0.0f);
  } else {
    layer.bias.assign(static_cast<std::size_t>(channels), 0.0f);
  }
  if (!folded_ && !spec.batch_norm.empty()) take_batch_norm(spec.batch_norm, layer);
  if (spec.residual >= 0 && shape(spec.residual) != layer.out) {
    const ValueShape& residual = shape(spec.residual);
    tensors_.fail(fmt::format("{}.weight has {} output channels where the shortcut it is added to has {}",
                              spec.name, channels, residual.channels));
  }
  return append(std::move(layer));
}

int Assembly::max_pool(const std::string& name, int input, int kernel, int stride, int padding) {
  return append(windowed_layer(name, LayerKind::max_pool, input, kernel, stride, padding));
}

int Assembly::average_pool(const std::string& name, int input) {
  Layer layer;
  layer.name = name;
  layer.kind = LayerKind::average_pool;
  layer.input = input;
  layer.in = shape(input);
  layer.out = {1, 1, layer.in.channels};
  return append(std::move(layer));
}

int Assembly::fully_connected(const std::string& name, int input, Activation activation, int usual_outputs) {
  Layer layer;
  layer.name = name;
  layer.kind = LayerKind::fully_connected;
  layer.input = input;
  layer.activation = activation;
  layer.in = shape(input);
  const std::string weight = name + ".weight";
  std::optional<int> outputs = tensors_.dimension(weight, 2, 0);
  if (!outputs) outputs = tensors_.dimension(weight, 4, 0);
  if (!outputs) outputs = tensors_.dimension(name + ".bias", 1, 0);
  layer.out = {1, 1, outputs.value_or(usual_outputs)};
  if (folded_) {
    layer.weights =
        tensors_.take(weight, {layer.out.channels, layer.in.height, layer.in.width, layer.in.channels}, 0.0f);
  } else {
    layer.weights = to_channels_last(tensors_.take(weight, {layer.out.channels, layer.in.size()}, 0.0f),
                                     layer.out.channels, layer.in);
  }
  layer.bias = tensors_.take(name + ".bias", {layer.out.channels}, 0.0f);
  return append(std::move(layer));
}

int Assembly::output_channels(const ConvolutionSpec& spec) const {
  if (const auto channels = tensors_.dimension(spec.name + ".weight", 4, 0)) return *channels;
  if (const auto channels = tensors_.dimension(spec.name + ".bias", 1, 0)) return *channels;
  if (!spec.batch_norm.empty()) {
    for (const char* suffix : {".weight", ".bias", ".running_mean", ".running_var"}) {
      if (const auto channels = tensors_.dimension(spec.batch_norm + suffix, 1, 0)) return *channels;
    }
  }
  return spec.usual_channels;
}

int Assembly::group_count(const ConvolutionSpec& spec, int output_channels) const {
  if (!spec.grouped) return 1;
  const int input_channels = shape(spec.input).channels;
  const std::optional<int> group_width = tensors_.dimension(spec.name + ".weight", 4, 1);
  int groups = spec.usual_groups;
  if (group_width) {
    if (input_channels % *group_width != 0) {
      tensors_.fail(fmt::format("{}.weight takes {} channels a group, which does not divide its input's {}",
                                spec.name, *group_width, input_channels));
    }
    groups = input_channels / *group_width;
  }
  if (input_channels % groups != 0 || output_channels % groups != 0) {
    tensors_.fail(
        fmt::format("{}.weight would have {} groups, which does not divide {} input and {} output channels",
                    spec.name, groups, input_channels, output_channels));
  }
  return groups;
}

void Assembly::take_batch_norm(const std::string& prefix, Layer& layer) {
  const std::vector<std::int64_t> channels = {layer.out.channels};
  BatchNorm norm;
  norm.gamma = tensors_.take(prefix + ".weight", channels, 1.0f);
  norm.beta = tensors_.take(prefix + ".bias", channels, 0.0f);
  norm.mean = tensors_.take(prefix + ".running_mean", channels, 0.0f);
  norm.variance = tensors_.take(prefix + ".running_var", channels, 1.0f);
  if (std::any_of(norm.variance.begin(), norm.variance.end(),
                  [](float variance) { return variance < 0.0f; })) {
    tensors_.fail(prefix + ".running_var holds negative variances");
  }
  fold_batch_norm(norm, layer.weights, layer.bias);
  check_finite(layer);
}

void Assembly::check_finite(const Layer& layer) const {
  for (const std::vector<float>* values : {&layer.weights, &layer.bias}) {
    if (!std::all_of(values->begin(), values->end(), [](float value) { return std::isfinite(value); })) {
      tensors_.fail(layer.name + ".weight overflows when its batch normalisation is folded in");
    }
  }
}

Layer Assembly::windowed_layer(const std::string& name, LayerKind kind, int input, int kernel, int stride,
                               int padding) const {
  Layer layer;
  layer.name = name;
  layer.kind = kind;
  layer.input = input;
  layer.kernel = kernel;
  layer.stride = stride;
  layer.padding = padding;
  layer.in = shape(input);
  const int height = layer.in.height + 2 * padding - kernel;
  const int width = layer.in.width + 2 * padding - kernel;
  if (height < 0 || width < 0) {
    tensors_.fail(fmt::format("an input of {} x {} is too small for {}: nothing is left at {}",
                              network_.input.height, network_.input.width, network_.arch, name));
  }
  layer.out = {height / stride + 1, width / stride + 1, layer.in.channels};
  return layer;
}

int Assembly::append(Layer layer) {
  if (layer.out.size() > kMostActivations) {
    tensors_.fail(fmt::format("{} gives {} x {} x {} activations for a photo: at most {} can be computed",
                              layer.name, layer.out.height, layer.out.width, layer.out.channels,
                              kMostActivations));
  }
  network_.layers.push_back(std::move(layer));
  return static_cast<int>(network_.layers.size());
}

}  // namespace backdrop
