#include "engine/cuda_bottlenecks.h"

#include <optional>

#include "engine/layer_shapes.h"
#include "kernels/bottleneck_cuda.h"
#include "kernels/bottleneck_weights.h"

namespace backdrop {
namespace {

bool is_plain(const Layer& layer, int kernel) {
  return layer.kind == LayerKind::convolution && layer.kernel == kernel && layer.stride == 1 &&
         layer.padding == kernel / 2 && layer.groups == 1;
}

// The bottleneck that begins with layer i, if there is one and nobody else reads what is inside it.
std::optional<FoundBottleneck> bottleneck_at(const Network& network, const std::vector<int>& readers, int i) {
  const int count = static_cast<int>(network.layers.size());
  const auto is_inner = [&](int layer) { return readers[layer + 1] == 1; };
  if (i + 2 >= count) return std::nullopt;
  const Layer& reduce = network.layers[i];
  const Layer& spatial = network.layers[i + 1];
  if (!is_plain(reduce, 1) || reduce.input == 0 || reduce.residual >= 0 || !is_inner(i)) return std::nullopt;
  if (!is_plain(spatial, 3) || spatial.input != i + 1 || spatial.residual >= 0 || !is_inner(i + 1) ||
      spatial.in.channels != spatial.out.channels)
    return std::nullopt;
  FoundBottleneck found{i, i + 1, -1, i + 2};
  const Layer& next = network.layers[i + 2];
  if (next.input == reduce.input && is_plain(next, 1) && next.residual < 0 && is_inner(i + 2)) {
    found.shortcut = i + 2;
    found.expand = i + 3;
  }
  if (found.expand >= count) return std::nullopt;
  const Layer& expand = network.layers[found.expand];
  const int residual = found.shortcut >= 0 ? found.shortcut + 1 : reduce.input;
  if (!is_plain(expand, 1) || expand.input != i + 2 || expand.residual != residual) return std::nullopt;
  return found;
}

std::vector<int> count_readers(const Network& network) {
  std::vector<int> readers(network.layers.size() + 1, 0);
  for (const Layer& layer : network.layers) {
    ++readers[layer.input];
    if (layer.residual >= 0) ++readers[layer.residual];
  }
  return readers;
}

}  // namespace

std::vector<std::vector<FoundBottleneck>> find_chains(const Network& network) {
  const std::vector<int> readers = count_readers(network);
  std::vector<std::vector<FoundBottleneck>> chains;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const auto found = bottleneck_at(network, readers, i);
    if (!found) continue;
    const Layer& reduce = network.layers[found->reduce];
    const bool follows = !chains.empty() && chains.back().size() < kernels::kMostBottlenecks &&
                         found->shortcut < 0 && reduce.input == chains.back().back().expand + 1 &&
                         readers[reduce.input] == 2 &&
                         reduce.out.channels == network.layers[chains.back().back().reduce].out.channels;
    if (!follows) chains.emplace_back();
    chains.back().push_back(*found);
    i = found->expand;
  }
  return chains;
}

CudaChain::CudaChain(const CudaLayers& layers, const std::vector<FoundBottleneck>& found, int side)
    : precision_(layers.precision()),
      first_layer_(found.front().reduce),
      last_layer_(found.back().expand),
      name_(layers.network().layers[first_layer_].name + " to " + layers.network().layers[last_layer_].name) {
  const Layer& first = layers.network().layers[found.front().reduce];
  arguments_.height = first.in.height;
  arguments_.width = first.in.width;
  arguments_.in_channels = first.in.channels;
  arguments_.middle_channels = first.out.channels;
  arguments_.out_channels = layers.network().layers[found.front().expand].out.channels;
  arguments_.count = static_cast<int>(found.size());
  arguments_.side = side;
  for (std::size_t b = 0; b < found.size(); ++b) {
    kernels::Bottleneck& to = arguments_.bottlenecks[b];
    to.reduce = convolution(layers, found[b].reduce);
    to.spatial = convolution(layers, found[b].spatial);
    to.expand = convolution(layers, found[b].expand);
    to.has_shortcut = found[b].shortcut >= 0;
    if (to.has_shortcut) to.shortcut = convolution(layers, found[b].shortcut);
  }
}

kernels::BottleneckConvolution CudaChain::convolution(const CudaLayers& layers, int index) {
  const Layer& layer = layers.network().layers[index];
  const int taps = layer.kernel * layer.kernel;
  const int inner_bytes = layer.in.channels * static_cast<int>(layers.value_bytes(layer.input));
  std::vector<std::byte> weights(std::size_t(layer.out.channels) * taps * inner_bytes);
  check_cuda(cudaMemcpy(weights.data(), layers.weights(index), weights.size(), cudaMemcpyDeviceToHost),
             "reading weights");
  const std::vector<std::byte> packed =
      kernels::pack_fragments(weights, layer.out.channels, taps, inner_bytes);
  DeviceBuffer& fragments = fragments_.emplace_back(packed.size(), "weights");
  copy_to_device(fragments.data(), packed.data(), packed.size(), "weights");
  const kernels::ConvolutionScales& scales = layers.scales(index);
  return {fragments.data(), layers.bias(index),        scales.scale, scales.of_window, scales.residual,
          scales.output,    slope_of(layer.activation)};
}

cudaError_t CudaChain::run(const void* input, void* output, int images, cudaStream_t stream) const {
  kernels::BottleneckArguments arguments = arguments_;
  arguments.input = input;
  arguments.output = output;
  arguments.images = images;
  return kernels::bottleneck_cuda(precision_, arguments, stream);
}

}  // namespace backdrop
