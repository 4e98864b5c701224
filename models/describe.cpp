/// \file
/// Texts for the table of layers, see describe.h.
#include "models/describe.h"

#include <fmt/format.h>

namespace backdrop {
namespace {

std::string shape_text(const ValueShape& shape) {
  return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

std::string window_text(const char* operation, const Layer& layer) {
  std::string text = fmt::format("{} {}x{}", operation, layer.kernel, layer.kernel);
  if (layer.stride > 1) text += fmt::format(" stride {}", layer.stride);
  if (layer.padding > 0) text += fmt::format(" pad {}", layer.padding);
  if (layer.groups > 1) text += fmt::format(", {} groups", layer.groups);
  return text;
}

std::string operation_text(const Layer& layer) {
  switch (layer.kind) {
    case LayerKind::convolution:
      return window_text("conv", layer);
    case LayerKind::max_pool:
      return window_text("max pool", layer);
    case LayerKind::average_pool:
      return "global average pool";
    case LayerKind::fully_connected:
      return "linear";
  }
  return {};
}

std::string activation_text(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return "relu";
    case Activation::leaky_relu:
      return "leaky relu";
    case Activation::none:
      break;
  }
  return {};
}

}  // namespace

std::vector<LayerRow> describe_layers(const Network& network) {
  std::vector<LayerRow> rows;
  for (const Layer& layer : network.layers) {
    LayerRow row;
    row.name = layer.name;
    row.operation = operation_text(layer);
    row.input = shape_text(layer.in);
    row.output = shape_text(layer.out);
    if (layer.residual > 0) row.residual = network.layers[layer.residual - 1].name;
    row.activation = activation_text(layer.activation);
    row.parameters = static_cast<std::int64_t>(layer.weights.size() + layer.bias.size());
    row.macs = layer.macs();
    rows.push_back(row);
  }
  return rows;
}

}  // namespace backdrop
