/// \file
/// The table of architectures and the inference from tensors, see architectures.h.
#include "models/architectures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace backdrop {
namespace {

constexpr std::array<int, 4> kBlocks18 = {2, 2, 2, 2};
constexpr std::array<int, 4> kBlocks50 = {3, 4, 6, 3};
constexpr std::array<int, 4> kBlocks101 = {3, 4, 23, 3};
constexpr std::array<int, 4> kBlocks152 = {3, 8, 36, 3};

Architecture resnet(std::string name, std::array<int, 4> blocks, bool bottleneck, int groups = 1,
                    int width = 1) {
  Architecture result;
  result.name = std::move(name);
  result.family = Family::resnet;
  result.blocks = blocks;
  result.bottleneck = bottleneck;
  result.groups = groups;
  result.bottleneck_width = width;
  return result;
}

Architecture vgg(std::string name, std::array<int, 5> convolutions, bool batch_norm) {
  Architecture result;
  result.name = std::move(name);
  result.family = Family::vgg;
  result.convolutions = convolutions;
  result.batch_norm = batch_norm;
  return result;
}

std::vector<Architecture> make_architectures() {
  const std::vector<Architecture> plain = {
      resnet("resnet18", kBlocks18, false), resnet("resnet34", kBlocks50, false),
      resnet("resnet50", kBlocks50, true), resnet("resnet101", kBlocks101, true),
      resnet("resnet152", kBlocks152, true)};
  std::vector<Architecture> result = plain;
  for (const int width : {2, 3, 4, 5}) {
    result.push_back(resnet(fmt::format("wide_resnet50_{}", width), kBlocks50, true, 1, width));
  }
  result.push_back(resnet("wide_resnet101_2", kBlocks101, true, 1, 2));
  result.push_back(resnet("resnext50_32x4d", kBlocks50, true, 32, 2));
  result.push_back(resnet("resnext101_32x8d", kBlocks101, true, 32, 4));
  result.push_back(resnet("resnext101_64x4d", kBlocks101, true, 64, 4));
  for (Architecture leaky : plain) {
    leaky.name = "leaky_" + leaky.name;
    leaky.activation = Activation::leaky_relu;
    result.push_back(leaky);
  }
  for (const bool batch_norm : {false, true}) {
    const char* suffix = batch_norm ? "_bn" : "";
    result.push_back(vgg(fmt::format("vgg11{}", suffix), {1, 1, 2, 2, 2}, batch_norm));
    result.push_back(vgg(fmt::format("vgg13{}", suffix), {2, 2, 2, 2, 2}, batch_norm));
    result.push_back(vgg(fmt::format("vgg16{}", suffix), {2, 2, 3, 3, 3}, batch_norm));
    result.push_back(vgg(fmt::format("vgg19{}", suffix), {2, 2, 4, 4, 4}, batch_norm));
  }
  Architecture alexnet;
  alexnet.name = "alexnet";
  alexnet.family = Family::alexnet;
  result.push_back(alexnet);
  return result;
}

/// The number between `prefix` and the next dot of a name, if it has that form.
std::optional<int> index_after(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  int value = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), value);
  const bool dotted = end != name.data() + name.size() && *end == '.';
  if (status != std::errc() || !dotted || value < 0 || value > 9999) return std::nullopt;
  return value;
}

/// Groups and relative width of the 3x3 convolutions of layer1's bottlenecks.
void read_bottleneck(const TensorSource& tensors, Traits& traits) {
  const std::optional<int> stem = tensors.dimension("conv1.weight", 4, 0);
  for (int block = 0; block < traits.blocks[0]; ++block) {
    const std::string name = fmt::format("layer1.{}.conv2.weight", block);
    const std::optional<int> width = tensors.dimension(name, 4, 0);
    const std::optional<int> group_width = tensors.dimension(name, 4, 1);
    if (!width || !group_width) continue;
    if (*width % *group_width == 0) traits.groups = *width / *group_width;
    if (stem && *width % *stem == 0) traits.bottleneck_width = *width / *stem;
    return;
  }
}

}  // namespace

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> table = make_architectures();
  return table;
}

const Architecture* find_architecture(const std::string& name) {
  for (const Architecture& architecture : architectures()) {
    if (architecture.name == name) return &architecture;
  }
  return nullptr;
}

std::set<int> feature_convolutions(const Architecture& architecture) {
  if (architecture.family == Family::alexnet) return {0, 3, 6, 8, 10};
  std::set<int> result;
  int index = 0;
  for (const int convolutions : architecture.convolutions) {
    for (int i = 0; i < convolutions; ++i) {
      result.insert(index);
      index += architecture.batch_norm ? 3 : 2;
    }
    ++index;
  }
  return result;
}

std::string Traits::text() const {
  if (resnet) {
    std::string result =
        fmt::format("a ResNet of {} {} blocks", fmt::join(blocks, "-"), bottleneck ? "bottleneck" : "basic");
    if (groups > 1) result += fmt::format(" in {} groups", groups);
    if (bottleneck_width > 1) result += fmt::format(", {} times as wide as the stem", bottleneck_width);
    return result;
  }
  if (!convolutions.empty()) {
    return fmt::format("{} convolutions, features.{}", convolutions.size(), fmt::join(convolutions, " "));
  }
  return "no ResNet, VGG or AlexNet";
}

Traits read_traits(const TensorSource& tensors) {
  Traits traits;
  for (const std::string& name : tensors.names()) {
    for (int stage = 0; stage < 4; ++stage) {
      const std::optional<int> block = index_after(name, fmt::format("layer{}.", stage + 1));
      if (!block) continue;
      traits.resnet = true;
      traits.blocks[stage] = std::max(traits.blocks[stage], *block + 1);
      traits.bottleneck = traits.bottleneck || name.ends_with(".conv3.weight");
    }
    const std::optional<int> feature = index_after(name, "features.");
    if (feature && name.ends_with(".weight") && tensors.shape(name)->size() == 4)
      traits.convolutions.insert(*feature);
  }
  if (traits.bottleneck) read_bottleneck(tensors, traits);
  return traits;
}

bool fits(const Architecture& architecture, const Traits& traits) {
  if (architecture.family != Family::resnet) {
    return !traits.resnet && traits.convolutions == feature_convolutions(architecture);
  }
  if (!traits.resnet || architecture.blocks != traits.blocks ||
      architecture.bottleneck != traits.bottleneck) {
    return false;
  }
  if (!traits.bottleneck) return true;
  if (architecture.groups == 1) {
    return traits.groups == 1 && traits.bottleneck_width == architecture.bottleneck_width;
  }
  // A thin ResNeXt has fewer groups than its name says; only the published counts tell 32x8d from 64x4d.
  const bool published = traits.groups == 32 || traits.groups == 64;
  return published ? traits.groups == architecture.groups : traits.groups > 1;
}

const Architecture* infer_architecture(const Traits& traits) {
  for (const Architecture& architecture : architectures()) {
    if (fits(architecture, traits)) return &architecture;
  }
  return nullptr;
}

}  // namespace backdrop
