/// \file
/// A network's weights on the device in one precision, and its layers over lists of positions.
#pragma once

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/calibration.h"
#include "engine/cuda_lists.h"
#include "engine/cuda_memory.h"
#include "kernels/cuda_tile.h"
#include "kernels/precision.h"
#include "models/network.h"

namespace backdrop {

/// All calls enqueue on the stream given and return at once.
///
/// In 8 bits the input is the photo's own bytes (engine/reduced_network.h is the same on the CPU), and the
/// fully connected layers are not of 8 bits (tail_form). fp8 differs from int8 in all but the first layer's
/// products. In int8 what blocks add up may be fp16 (engine/stored_values.h): a layer's
/// products are those of its input, which may be the normalised photo in fp16 then.
class CudaLayers {
 public:
  CudaLayers(const Network& network, Precision precision);

  /// Stores the weights by these scales, which 8 bits need before anything runs; `network` is the
  /// constructor's. `half_sums`: int8 with the sums of blocks in fp16.
  void set_calibration(const Network& network, const Calibration& calibration, bool half_sums = false);
  /// Not before that, nor after it ran out of memory.
  bool has_weights() const { return has_weights_; }
  /// How layers multiply from now on (engine/cuda_products.h), where their arithmetic has that way.
  /// Nothing may be under way.
  void use(kernels::Products products);
  void use(int index, kernels::Products products);
  kernels::Products products(int index) const { return products_[index]; }
  /// Whether a layer can multiply by clusters of blocks.
  bool fits_clusters(int index) const;

  /// One layer over a list; `starts` is null where the list has none.
  void run(int index, const kernels::DeviceWork& work, int rows, const kernels::DeviceRows& input,
           const kernels::DeviceRows& residual, const void* starts, const kernels::DeviceOutput& output,
           cudaStream_t stream) const;

  /// What mixed positions start from: a convolution's sums over a list of foreground taps, four bytes each.
  void run_starts(int index, const kernels::DeviceWork& work, const kernels::DeviceRows& input, void* starts,
                  cudaStream_t stream) const;

  /// Every position of a layer, from and to whole images: `rows` of them, [H][W][C] each, background kind.
  const kernels::DeviceWork& whole(int index) const { return whole_[index]; }

  /// The padded network (engine/padded_network.h) without its weights.
  const Network& network() const { return network_; }
  /// The first so many logits are real.
  int classes() const { return classes_; }
  /// How many layers work on positions: those before the first fully connected one.
  int position_layers() const { return position_layers_; }
  /// Multiply-adds of one tap of the real network's layer.
  std::int64_t multiply_adds_per_tap(int index) const { return per_tap_[index]; }
  /// Of every position of it for one image; of all layers.
  std::int64_t multiply_adds(int index) const { return whole_image_[index]; }
  std::int64_t multiply_adds() const {
    return std::accumulate(whole_image_.begin(), whole_image_.end(), std::int64_t{0});
  }
  Precision precision() const { return precision_; }
  bool half_sums() const { return half_sums_; }
  /// "fp16", or "int8 with sums in fp16".
  std::string form_name() const;
  /// In which form a value is stored, but for the logits, which are floats, and of one element the bytes; of
  /// values before the fully connected layers in any form the most.
  Precision form(int value) const { return value < position_layers_ ? forms_[value] : tail_form_; }
  std::size_t value_bytes(int value) const { return element_bytes(form(value)); }
  Precision widest_form() const { return half_sums_ ? Precision::fp16 : precision_; }
  std::size_t widest_bytes() const { return element_bytes(widest_form()); }
  const void* weights(int index) const { return weights_[index].data(); }
  const kernels::ConvolutionScales& scales(int index) const { return scales_[index]; }
  const float* bias(int index) const { return biases_[index].as<float>(); }
  /// The same in the precision's own type, if it has no scales.
  const void* stored_bias(int index) const { return stored_biases_[index].data(); }
  /// The normalisation table, [3][256].
  const float* table() const { return table_.as<float>(); }
  std::size_t weight_bytes() const;

 private:
  Precision arithmetic(int index) const;
  std::size_t tap_bytes(int index) const;
  void upload_weights(const Network& padded);
  void upload_scaled(const Network& padded, int index);
  void upload_int8(const Network& padded, int index);
  void upload_fp8(const Network& padded, int index);
  kernels::DeviceScale scale_of(int value) const;
  kernels::ConvolutionArguments convolution(int index, const kernels::DeviceWork& work, int rows) const;

  Precision precision_;
  Network network_;
  int classes_;
  int position_layers_;
  Precision tail_form_;
  Calibration calibration_;  // in 8 bits
  bool half_sums_ = false;
  std::vector<Precision> forms_;  // of each value before the fully connected layers, and what they read
  bool has_weights_ = false;
  std::vector<kernels::Products> products_;  // of each layer
  std::vector<std::int64_t> per_tap_;
  std::vector<std::int64_t> whole_image_;
  std::vector<DeviceBuffer> weights_;
  std::vector<DeviceBuffer> cluster_weights_;  // of layers that multiply by clusters
  std::vector<DeviceBuffer> biases_;
  std::vector<DeviceBuffer> stored_biases_;         // without scales
  std::vector<DeviceBuffer> tables_;                // what scales_ point to
  std::vector<kernels::ConvolutionScales> scales_;  // of each convolution from or to 8 bits
  DeviceBuffer table_;
  DeviceBuffer whole_lists_;
  std::vector<kernels::DeviceWork> whole_;
};

/// Whole images as rows: image r is block r (or slots[r]) of `images`.
kernels::DeviceRows image_rows(const void* images, std::int64_t image_size,
                               const std::int32_t* slots = nullptr);

}  // namespace backdrop
