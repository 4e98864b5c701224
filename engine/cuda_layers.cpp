#include "engine/cuda_layers.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "engine/cuda_range.h"
#include "engine/layer_shapes.h"
#include "engine/padded_network.h"
#include "engine/position_lists.h"
#include "engine/stored_values.h"
#include "kernels/cluster_weights.h"
#include "kernels/composite.h"
#include "kernels/fp8_weights.h"
#include "kernels/int8_weights.h"
#include "kernels/position_convolution_cuda.h"
#include "kernels/position_pool_cuda.h"

namespace backdrop {
namespace {

using kernels::DotOutput;
using kernels::Products;
using kernels::Source;
using kernels::StoredAs;

constexpr int kTileColumns = 64;

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
    case Precision::int16:  // the CPU's alone
    case Precision::fp32:
    case Precision::tf32:
    case Precision::int8:  // these have scales
    case Precision::fp8:
      break;
  }
  return to_device(values.data(), values.size() * sizeof(float), "weights");
}

// Every value but the input is whole 16-byte accesses, at least of eight channels.
Network pad_network(const Network& network, Precision precision) {
  return pad_for_device(network, kTileColumns,
                        std::max(chunk_elements(precision), kernels::tile::kPieceColumns));
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
  rows.row_stride[static_cast<int>(Source::background)] = static_cast<std::int32_t>(image_size);
  rows.slots = slots;
  return rows;
}

CudaLayers::CudaLayers(const Network& network, Precision precision)
    : precision_(precision),
      network_(pad_network(network, precision)),
      classes_(network.classes()),
      position_layers_(first_fully_connected(network)),
      tail_form_(tail_form(network, precision)),
      forms_(stored_values(network_, precision, false)) {
  ListPacker packer;
  std::vector<PackedWork> packed;
  if (!needs_calibration(precision)) upload_weights(network_);
  for (int i = 0; i < static_cast<int>(network_.layers.size()); ++i) {
    const Layer& layer = network.layers[i];
    const bool convolves = layer.kind == LayerKind::convolution;
    per_tap_.push_back(convolves ? std::int64_t{layer.in.channels} / layer.groups * layer.out.channels
                                 : layer.macs());
    whole_image_.push_back(layer.macs());
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

void CudaLayers::use(Products products) {
  for (int i = 0; i < static_cast<int>(products_.size()); ++i) use(i, products);
}

void CudaLayers::use(int index, Products products) {
  const bool exact = arithmetic(index) == Precision::fp32;
  products_[index] = exact == kernels::is_split(products) ? products : Products::warps;
  if (products_[index] != Products::clusters) {
    cluster_weights_[index] = {};
    return;
  }
  if (cluster_weights_[index].size() > 0) return;
  const kernels::ConvolutionArguments shape = convolution(index, {}, 0);
  std::vector<std::byte> weights(weights_[index].size());
  check_cuda(cudaMemcpy(weights.data(), weights_[index].data(), weights.size(), cudaMemcpyDeviceToHost),
             "packing weights");
  const std::vector<std::byte> packed =
      kernels::pack_for_clusters(weights, shape.groups, shape.group_columns, shape.window, tap_bytes(index));
  cluster_weights_[index] = to_device(packed.data(), packed.size(), "weights");
}

bool CudaLayers::fits_clusters(int index) const {
  return network_.layers[index].kind == LayerKind::convolution && arithmetic(index) != Precision::fp32 &&
         kernels::fits_clusters(tap_bytes(index));
}

// Of a group's channels, for each output channel.
std::size_t CudaLayers::tap_bytes(int index) const {
  return convolution(index, {}, 0).group_channels * element_bytes(arithmetic(index));
}

void CudaLayers::set_calibration(const Network& network, const Calibration& calibration, bool half_sums) {
  calibration_ = calibration;
  half_sums_ = half_sums;
  forms_ = stored_values(network_, precision_, half_sums, Precision::fp16);
  upload_weights(pad_network(network, precision_));
}

Precision CudaLayers::arithmetic(int index) const {
  if (index >= position_layers_) return tail_form_;
  const int input = network_.layers[index].input;
  // The photo's bytes are whole numbers.
  if (precision_ == Precision::fp8 && input == 0) return Precision::int8;
  return forms_[input];
}

std::string CudaLayers::form_name() const {
  return std::string(name(precision_)) + (half_sums_ ? " with sums in fp16" : "");
}

kernels::DeviceScale CudaLayers::scale_of(int value) const {
  const kernels::ValueScale& scale = calibration_.values[value];
  return kernels::device_scale(
      precision_ == Precision::fp8 ? kernels::ValueScale{kernels::fp8_scale(scale), 0.0f} : scale);
}

void CudaLayers::upload_weights(const Network& padded) {
  const CudaRange range("load weights");
  has_weights_ = false;
  const std::size_t count = padded.layers.size();
  weights_ = std::vector<DeviceBuffer>(count);
  cluster_weights_ = std::vector<DeviceBuffer>(count);
  biases_ = std::vector<DeviceBuffer>(count);
  stored_biases_ = std::vector<DeviceBuffer>(count);
  tables_ = std::vector<DeviceBuffer>(count);
  scales_ = std::vector<kernels::ConvolutionScales>(count);
  products_.assign(count, Products::warps);
  for (int i = 0; i < static_cast<int>(count); ++i) {
    const Layer& layer = padded.layers[i];
    if (layer.weights.empty()) continue;
    if (needs_calibration(arithmetic(i))) {
      upload_scaled(padded, i);
    } else {
      weights_[i] = stored(device_weights(layer), arithmetic(i));
      stored_biases_[i] = stored(layer.bias, arithmetic(i));
      if (half_sums_ && i < position_layers_ && forms_[i + 1] == Precision::int8) {
        scales_[i].stored = StoredAs::bytes;
        scales_[i].output = scale_of(i + 1);
      }
    }
    biases_[i] = to_device(layer.bias.data(), layer.bias.size() * sizeof(float), "biases");
  }
  has_weights_ = true;
}

void CudaLayers::upload_scaled(const Network& padded, int index) {
  const Layer& layer = padded.layers[index];
  arithmetic(index) == Precision::int8 ? upload_int8(padded, index) : upload_fp8(padded, index);
  if (forms_[index + 1] == Precision::fp16) {
    scales_[index].stored = StoredAs::halves;
    return;
  }
  if (layer.residual >= 0) scales_[index].residual = scale_of(layer.residual);
  scales_[index].output = scale_of(index + 1);
}

void CudaLayers::upload_int8(const Network& padded, int index) {
  const Layer& layer = padded.layers[index];
  const kernels::DotScales scales = layer_scales(padded, index, calibration_);
  const kernels::Int8Weights packed =
      kernels::store_int8(convolution_shape(layer), layer.weights.data(), scales.input);
  weights_[index] = to_device(packed.values.data(), packed.values.size(), "weights");
  const std::size_t columns = packed.scale.size();
  std::vector<std::int32_t> of_window(columns, 0);
  bool corrected = false;
  for (std::size_t i = 0; i < packed.corrections.size(); ++i) {
    of_window[i % columns] += packed.corrections[i];
    corrected = corrected || packed.corrections[i] != 0;
  }
  ListPacker packer;
  const std::size_t scale_at = packer.add(std::span<const float>(packed.scale));
  const std::size_t window_at = packer.add(std::span<const std::int32_t>(of_window));
  const std::size_t corrections_at = packer.add(std::span<const std::int32_t>(packed.corrections));
  tables_[index] = to_device(packer.bytes().data(), packer.bytes().size(), "scales");
  const std::byte* base = tables_[index].data();
  kernels::ConvolutionScales& device = scales_[index];
  device.scale = reinterpret_cast<const float*>(base + scale_at);
  device.of_window = reinterpret_cast<const std::int32_t*>(base + window_at);
  if (corrected) device.corrections = reinterpret_cast<const std::int32_t*>(base + corrections_at);
  device.columns = static_cast<int>(columns);
  if (precision_ == Precision::fp8) device.stored = StoredAs::e4m3;
}

void CudaLayers::upload_fp8(const Network& padded, int index) {
  const Layer& layer = padded.layers[index];
  const kernels::Fp8Weights packed =
      kernels::store_fp8(convolution_shape(layer), layer.weights.data(), scale_of(layer.input).scale);
  weights_[index] = to_device(packed.values.data(), packed.values.size(), "weights");
  tables_[index] = to_device(packed.scale.data(), packed.scale.size() * sizeof(float), "scales");
  scales_[index].scale = tables_[index].as<float>();
  scales_[index].columns = static_cast<int>(packed.scale.size());
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
  arguments.bias = bias(index);
  arguments.products = products_[index];
  const bool clusters = arguments.products == Products::clusters;
  arguments.weights = clusters ? cluster_weights_[index].data() : weights(index);
  arguments.scales = scales_[index];
  arguments.start_stride = start_stride(layer);
  return arguments;
}

void CudaLayers::run(int index, const kernels::DeviceWork& work, int rows, const kernels::DeviceRows& input,
                     const kernels::DeviceRows& residual, const void* starts,
                     const kernels::DeviceOutput& output, cudaStream_t stream) const {
  const Layer& layer = network_.layers[index];
  const Precision precision = arithmetic(index);
  const bool to_tail = needs_calibration(precision_) && index + 1 == position_layers_;
  if (layer.kind == LayerKind::max_pool || layer.kind == LayerKind::average_pool) {
    const bool average = layer.kind == LayerKind::average_pool;
    kernels::PoolArguments pool{work, rows, layer.in.channels, average, input, output, to_tail, {}, {}};
    if (needs_calibration(precision)) {
      pool.input_scale = scale_of(layer.input);
      pool.output_scale = scale_of(index + 1);
    }
    return check_cuda(kernels::position_pool_cuda(precision, pool, stream), "starting a pool");
  }
  kernels::ConvolutionArguments arguments = convolution(index, work, rows);
  arguments.input = input;
  arguments.residual = residual;
  arguments.starts = starts;
  arguments.output = output;
  if (to_tail) arguments.output.kind = DotOutput::real;
  check_cuda(kernels::position_convolution_cuda(precision, arguments, stream), "starting a convolution");
}

void CudaLayers::run_starts(int index, const kernels::DeviceWork& work, const kernels::DeviceRows& input,
                            void* starts, cudaStream_t stream) const {
  const Precision precision = arithmetic(index);
  kernels::ConvolutionArguments arguments = convolution(index, work, 1);
  arguments.slope = 1.0f;
  arguments.input = input;
  arguments.output = {starts, 0, nullptr, needs_calibration(precision) ? DotOutput::sums : DotOutput::real};
  check_cuda(kernels::position_convolution_cuda(precision, arguments, stream), "starting a convolution");
}

std::size_t CudaLayers::weight_bytes() const {
  std::size_t bytes = whole_lists_.size() + table_.size();
  for (std::size_t i = 0; i < weights_.size(); ++i)
    bytes += weights_[i].size() + cluster_weights_[i].size() + biases_[i].size() + tables_[i].size();
  return bytes;
}

}  // namespace backdrop
