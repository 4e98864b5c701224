/// \file
/// Appends layers to a Network, taking their weights from a checkpoint and folding batch normalisation on the
/// way.
#pragma once

#include <string>

#include "models/network.h"
#include "models/tensor_source.h"

namespace backdrop {

/// A convolution to append. Output channels and groups are read off the tensors; `usual_channels` and
/// `usual_groups` stand in where the tensors are missing.
struct ConvolutionSpec {
  std::string name;        ///< tensor prefix
  std::string batch_norm;  ///< prefix of the batch normalisation that follows; empty: none, the convolution
                           ///< has a bias
  bool bias = false;       ///< the convolution has a bias of its own
  bool grouped = false;    ///< may have groups
  int input = 0;
  int residual = -1;
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  Activation activation = Activation::relu;
  int usual_channels = 0;
  int usual_groups = 1;
};

/// Every function returns the index of the layer's output value. Errors are those of TensorSource, and an
/// input that is too small.
class Assembly {
 public:
  /// `folded`: the tensors are those that export_folded wrote.
  Assembly(TensorSource& tensors, Network& network, bool folded);

  int convolution(const ConvolutionSpec& spec);
  int max_pool(const std::string& name, int input, int kernel, int stride, int padding);
  /// Global: the mean of each channel.
  int average_pool(const std::string& name, int input);
  int fully_connected(const std::string& name, int input, Activation activation, int usual_outputs);

  /// Output channels that the tensors of a convolution to come have.
  int output_channels(const ConvolutionSpec& spec) const;
  const ValueShape& shape(int value) const { return network_.shape(value); }

 private:
  int group_count(const ConvolutionSpec& spec, int output_channels) const;
  void take_batch_norm(const std::string& prefix, Layer& layer);
  Layer windowed_layer(const std::string& name, LayerKind kind, int input, int kernel, int stride,
                       int padding) const;
  void check_finite(const Layer& layer) const;
  int append(Layer layer);

  TensorSource& tensors_;
  Network& network_;
  bool folded_;
};

}  // namespace backdrop
