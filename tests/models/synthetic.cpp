/// \file
/// Names and shapes of torchvision's networks, see synthetic.h.
#include "synthetic.h"

#include <cstddef>

namespace backdrop {
namespace {

/// Adds tensors of deterministic small values.
class Writer {
 public:
  void tensor(const std::string& name, std::vector<std::int64_t> shape, float low, float high) {
    std::size_t count = 1;
    for (const std::int64_t dimension : shape) count *= static_cast<std::size_t>(dimension);
    Tensor& target = checkpoint_.tensors[name];
    target.shape = std::move(shape);
    target.values.resize(count);
    for (float& value : target.values) {
      state_ = state_ * 1664525u + 1013904223u;
      value = low + (high - low) * static_cast<float>(state_ >> 8) / 16777216.0f;
    }
  }

  void convolution(const std::string& name, int outputs, int inputs, int kernel) {
    tensor(name + ".weight", {outputs, inputs, kernel, kernel}, -0.1f, 0.1f);
  }

  void linear(const std::string& name, int outputs, int inputs) {
    tensor(name + ".weight", {outputs, inputs}, -0.1f, 0.1f);
    tensor(name + ".bias", {outputs}, -0.1f, 0.1f);
  }

  void batch_norm(const std::string& name, int channels) {
    tensor(name + ".weight", {channels}, 0.5f, 1.5f);
    tensor(name + ".bias", {channels}, -0.5f, 0.5f);
    tensor(name + ".running_mean", {channels}, -0.5f, 0.5f);
    tensor(name + ".running_var", {channels}, 0.5f, 2.0f);
  }

  Checkpoint finish() {
    checkpoint_.format = "pytorch-zip";
    checkpoint_.sha256 = std::string(64, '0');
    return std::move(checkpoint_);
  }

 private:
  Checkpoint checkpoint_;
  std::uint32_t state_ = 1;
};

void add_block(Writer& writer, const std::string& block, const ResNetOptions& options, int inputs, int planes,
               bool strided) {
  int outputs = planes;
  if (options.bottleneck) {
    const int width = planes * options.bottleneck_width;
    outputs = 4 * planes;
    writer.convolution(block + ".conv1", width, inputs, 1);
    writer.convolution(block + ".conv2", width, width / options.groups, 3);
    writer.convolution(block + ".conv3", outputs, width, 1);
    writer.batch_norm(block + ".bn1", width);
    writer.batch_norm(block + ".bn2", width);
    writer.batch_norm(block + ".bn3", outputs);
  } else {
    writer.convolution(block + ".conv1", planes, inputs, 3);
    writer.convolution(block + ".conv2", planes, planes, 3);
    writer.batch_norm(block + ".bn1", planes);
    writer.batch_norm(block + ".bn2", planes);
  }
  if (strided || inputs != outputs) {
    writer.convolution(block + ".downsample.0", outputs, inputs, 1);
    writer.batch_norm(block + ".downsample.1", outputs);
  }
}

/// The options that give a known ResNet's tensors.
ResNetOptions resnet_options(std::string arch) {
  if (arch.starts_with("leaky_")) arch.erase(0, 6);
  ResNetOptions options;
  options.bottleneck = arch != "resnet18" && arch != "resnet34";
  if (arch.find("101") != std::string::npos) {
    options.blocks = {3, 4, 23, 3};
  } else if (arch == "resnet152") {
    options.blocks = {3, 8, 36, 3};
  } else if (arch != "resnet18") {
    options.blocks = {3, 4, 6, 3};
  }
  if (arch.starts_with("wide_")) options.bottleneck_width = arch.back() - '0';
  if (arch == "resnext50_32x4d") options.bottleneck_width = 2;
  if (arch.starts_with("resnext101")) options.bottleneck_width = 4;
  if (arch.starts_with("resnext")) options.groups = arch == "resnext101_64x4d" ? 64 : 32;
  return options;
}

VggOptions vgg_options(const std::string& arch) {
  VggOptions options;
  options.batch_norm = arch.ends_with("_bn");
  const std::string depth = arch.substr(3, 2);
  if (depth == "13") options.convolutions = {2, 2, 2, 2, 2};
  if (depth == "16") options.convolutions = {2, 2, 3, 3, 3};
  if (depth == "19") options.convolutions = {2, 2, 4, 4, 4};
  return options;
}

}  // namespace

Checkpoint synthetic_resnet(const ResNetOptions& options) {
  Writer writer;
  writer.convolution("conv1", options.width, 3, 7);
  writer.batch_norm("bn1", options.width);
  int inputs = options.width;
  for (int stage = 0; stage < 4; ++stage) {
    const int planes = options.width << stage;
    for (int block = 0; block < options.blocks[stage]; ++block) {
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
      add_block(writer, name, options, inputs, planes, stage > 0 && block == 0);
      inputs = options.bottleneck ? 4 * planes : planes;
    }
  }
  writer.linear("fc", options.classes, inputs);
  return writer.finish();
}

Checkpoint synthetic_vgg(const VggOptions& options) {
  Writer writer;
  int index = 0;
  int inputs = 3;
  for (int stage = 0; stage < 5; ++stage) {
    const int outputs = options.width << (stage < 3 ? stage : 3);
    for (int i = 0; i < options.convolutions[stage]; ++i) {
      const std::string name = "features." + std::to_string(index);
      writer.convolution(name, outputs, inputs, 3);
      writer.tensor(name + ".bias", {outputs}, -0.1f, 0.1f);
      if (options.batch_norm) writer.batch_norm("features." + std::to_string(index + 1), outputs);
      index += options.batch_norm ? 3 : 2;
      inputs = outputs;
    }
    ++index;
  }
  writer.linear("classifier.0", options.hidden, inputs * 49);
  writer.linear("classifier.3", options.hidden, options.hidden);
  writer.linear("classifier.6", options.classes, options.hidden);
  return writer.finish();
}

Checkpoint synthetic_alexnet(int width, int hidden, int classes) {
  Writer writer;
  const std::array<std::array<int, 3>, 5> layers = {
      {{0, width, 11}, {3, 3 * width, 5}, {6, 6 * width, 3}, {8, 4 * width, 3}, {10, 4 * width, 3}}};
  int inputs = 3;
  for (const auto& [index, outputs, kernel] : layers) {
    const std::string name = "features." + std::to_string(index);
    writer.convolution(name, outputs, inputs, kernel);
    writer.tensor(name + ".bias", {outputs}, -0.1f, 0.1f);
    inputs = outputs;
  }
  writer.linear("classifier.1", hidden, inputs * 36);
  writer.linear("classifier.4", hidden, hidden);
  writer.linear("classifier.6", classes, hidden);
  return writer.finish();
}

Checkpoint synthetic_checkpoint(const std::string& arch) {
  if (arch == "alexnet") return synthetic_alexnet(2, 6, 5);
  if (arch.starts_with("vgg")) return synthetic_vgg(vgg_options(arch));
  ResNetOptions options = resnet_options(arch);
  if (arch != "resnext101_64x4d") {
    options.groups = options.groups > 1 ? 2 : 1;
  } else {
    options.width = 16;
  }
  return synthetic_resnet(options);
}

Checkpoint full_size_checkpoint(const std::string& arch) {
  if (arch == "alexnet") return synthetic_alexnet(64, 4096, 1000);
  if (arch.starts_with("vgg")) {
    VggOptions options = vgg_options(arch);
    options.width = 64;
    options.hidden = 4096;
    options.classes = 1000;
    return synthetic_vgg(options);
  }
  ResNetOptions options = resnet_options(arch);
  options.width = 64;
  options.classes = 1000;
  return synthetic_resnet(options);
}

}  // namespace backdrop
