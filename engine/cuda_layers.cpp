#include "engine/cuda_layers.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "engine/cuda_network.h"
#include "engine/layer_shapes.h"
#include "kernels/composite.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"

namespace backdrop {
namespace {

using kernels::Source;

DeviceBuffer to_device(const void* data, std::size_t bytes, const char* what) {
  DeviceBuffer buffer(bytes, what);
  copy_to_device(buffer.data(), data, bytes, what);
  return buffer;
}

template <class Element, class Convert>
DeviceBuffer converted(const std::vector<float>& values, const Convert& convert) {
  std::vector<Element> elements;
  elements.reserve(values.size());
  for (const float value : values) elements.push_back(convert(value));
  return to_device(elements.data(), elements.size() * sizeof(Element), "weights");
}

DeviceBuffer stored(const std::vector<float>& values, Precision precision) {
  switch (precision) {
    case Precision::fp16:
      return converted<__half>(values, [](float value) { return __float2half_rn(value); });
    case Precision::bf16:
      return converted<__nv_bfloat16>(values, [](float value) { return __float2bfloat16_rn(value); });
    case Precision::fp32:
    case Precision::tf32:
    case Precision::int8:  // the engine refuses it
      break;
  }
  return to_device(values.data(), values.size() * sizeof(float), "weights");
}

// A fully connected layer is a convolution at one position with one tap: the whole image.
PositionList fully_connected_list() {
  PositionList list;
  list.output = {0};
  list.first_tap = {0, 1};
  list.taps = {{0, 0, Source::background}};
  return list;
}

}  // namespace

kernels::DeviceRows image_rows(const void* images, std::int64_t image_size, const std::int32_t* slots) {
  kernels::DeviceRows rows;
  rows.base[static_cast<int>(Source::background)] = images;
  rows.row_stride[static_cast<int>(Source::background)] = image_size;
  rows.slots = slots;
  return rows;
}

CudaLayers::CudaLayers(const Network& network, Precision precision)
    : precision_(precision),
      network_(pad_for_device(network, chunk_elements(precision))),
      classes_(network.classes()),
      position_layers_(first_fully_connected(network)) {
  ListPacker packer;
  std::vector<PackedWork> packed;
  for (int i = 0; i < static_cast<int>(network_.layers.size()); ++i) {
    const Layer& layer = network.layers[i];
    const bool convolves = layer.kind == LayerKind::convolution;
    per_tap_.push_back(convolves ? std::int64_t{layer.in.channels} / layer.groups * layer.out.channels
                                 : layer.macs());
    upload_weights(network_.layers[i]);
    network_.layers[i].weights = {};
    packed.push_back(packer.add(i < position_layers_ ? whole_layer_list(network_, i, Source::background, 1)
                                                     : fully_connected_list()));
  }
  whole_lists_ = to_device(packer.bytes().data(), packer.bytes().size(), "lists");
  for (const PackedWork& work : packed) whole_.push_back(device_work(work, whole_lists_.data()));
  const auto table =
      kernels::make_normalization_table(network.normalization.mean, network.normalization.deviation);
  table_ = to_device(&table, sizeof(table), "tables");
}

void CudaLayers::upload_weights(const Layer& layer) {
  weights_.emplace_back();
  biases_.emplace_back();
  if (layer.weights.empty()) return;
  weights_.back() = stored(device_weights(layer), precision_);
  biases_.back() = to_device(layer.bias.data(), layer.bias.size() * sizeof(float), "biases");
}

kernels::ConvolutionArguments CudaLayers::convolution(int index, const kernels::DeviceWork& work,
                                                      int rows) const {
  const Layer& layer = network_.layers[index];
  const bool convolves = layer.kind == LayerKind::convolution;
  kernels::ConvolutionArguments arguments;
  arguments.work = work;
  arguments.rows = rows;
  arguments.groups = layer.groups;
  arguments.group_channels = convolves ? layer.in.channels / layer.groups : static_cast<int>(layer.in.size());
  arguments.group_columns = layer.out.channels / layer.groups;
  arguments.window = convolves ? layer.kernel * layer.kernel : 1;
  arguments.slope = slope_of(layer.activation);
  arguments.weights = weights(index);
  arguments.bias = bias(index);
  arguments.start_stride = (layer.out.channels + 15) / 16 * 16;  // as engine/position_lists.cpp pads them
  return arguments;
}

void CudaLayers::run(int index, const kernels::DeviceWork& work, int rows, const kernels::DeviceRows& input,
                     const kernels::DeviceRows& residual, const float* starts,
                     const kernels::DeviceOutput& output, cudaStream_t stream) const {
  const Layer& layer = network_.layers[index];
  if (layer.kind == LayerKind::max_pool || layer.kind == LayerKind::average_pool) {
    const bool average = layer.kind == LayerKind::average_pool;
    check_cuda(kernels::position_pool_cuda(precision_,
                                           {work, rows, layer.in.channels, average, input, output}, stream),
               "starting a pool");
    return;
  }
  kernels::ConvolutionArguments arguments = convolution(index, work, rows);
  arguments.input = input;
  arguments.residual = residual;
  arguments.starts = starts;
  arguments.output = output;
  check_cuda(kernels::position_convolution_cuda(precision_, arguments, stream), "starting a convolution");
}

void CudaLayers::run_starts(int index, const kernels::DeviceWork& work, const kernels::DeviceRows& input,
                            float* starts, cudaStream_t stream) const {
  kernels::ConvolutionArguments arguments = convolution(index, work, 1);
  arguments.slope = 1.0f;
  arguments.input = input;
  arguments.output = {starts, 0, nullptr, true};
  check_cuda(kernels::position_convolution_cuda(precision_, arguments, stream), "starting a convolution");
}

std::size_t CudaLayers::weight_bytes() const {
  std::size_t bytes = whole_lists_.size() + table_.size();
  for (std::size_t i = 0; i < weights_.size(); ++i) bytes += weights_[i].size() + biases_[i].size();
  return bytes;
}

}  // namespace backdrop
