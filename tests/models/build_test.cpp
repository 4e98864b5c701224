/// \file
/// What build_network refuses, and what its messages say.
#include "models/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "backdrop/error.h"
#include "synthetic.h"

namespace backdrop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// The message of the error that building gives; fails the test if there is none.
std::string refusal(const Checkpoint& checkpoint, const BuildOptions& options = {},
                    ValueShape input = {224, 224, 3}, ErrorCode code = ErrorCode::bad_input) {
  try {
    build_network(checkpoint, options, "net.pt", nullptr, input);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return {};
}

TEST(Build, ListsMissingTensors) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  checkpoint.tensors.erase("layer3.1.conv2.weight");
  checkpoint.tensors.erase("layer3.1.bn2.running_var");
  EXPECT_EQ(
      refusal(checkpoint),
      "net.pt: the tensors do not fit resnet18: 2 missing (layer3.1.conv2.weight, layer3.1.bn2.running_var); "
      "they look like a ResNet of 2-2-2-2 basic blocks: save them under its names, or take zeros for what is "
      "missing and leave out the rest (--allow-partial)");
}

TEST(Build, ListsUnexpectedTensorsUpToTen) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  for (int i = 0; i < 12; ++i) checkpoint.tensors["extra." + std::to_string(10 + i)] = {{1}, {0.0f}};
  EXPECT_THAT(refusal(checkpoint), AllOf(HasSubstr("12 unexpected (extra.10, "), HasSubstr("extra.19, ...)"),
                                         Not(HasSubstr("extra.20"))));
}

TEST(Build, ReportsBeforeRefusing) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  checkpoint.tensors.erase("fc.bias");
  checkpoint.tensors["extra"] = {{1}, {0.0f}};
  BuildReport report;
  EXPECT_THROW(build_network(checkpoint, {}, "net.pt", &report), Error);
  EXPECT_THAT(report.missing, ElementsAre("fc.bias"));
  EXPECT_THAT(report.unexpected, ElementsAre("extra"));
}

TEST(Build, AllowsPartialCheckpointsOnRequest) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  for (const char* name :
       {"conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "fc.bias"}) {
    checkpoint.tensors.erase(name);
  }
  checkpoint.tensors["extra"] = {{1}, {0.0f}};
  // Nothing tells the stem's width any more, so it is torchvision's, which the next layer contradicts.
  EXPECT_THAT(refusal(checkpoint, {.allow_partial = true}), HasSubstr("layer1.0.conv1.weight has the shape"));
  checkpoint.tensors["bn1.bias"] = {{4}, {1.0f, 2.0f, 3.0f, 4.0f}};
  BuildReport report;
  const Network network = build_network(checkpoint, {.allow_partial = true}, "net.pt", &report);
  EXPECT_EQ(report.missing.size(), 5u);
  EXPECT_EQ(report.unexpected.size(), 1u);
  EXPECT_EQ(network.layers.front().weights, std::vector<float>(4 * 3 * 49, 0.0f));
  EXPECT_EQ(network.layers.front().bias, (std::vector<float>{1.0f, 2.0f, 3.0f, 4.0f}));
  EXPECT_EQ(network.layers.back().bias, std::vector<float>(5, 0.0f));
}

TEST(Build, NamesBothArchitecturesWhereTheyContradict) {
  EXPECT_EQ(refusal(synthetic_checkpoint("resnet18"), {.arch = "resnet50"}),
            "net.pt: the tensors are of resnet18 (a ResNet of 2-2-2-2 basic blocks), not of resnet50");
  EXPECT_THAT(
      refusal(synthetic_checkpoint("wide_resnet50_2"), {.arch = "resnet50"}),
      HasSubstr(
          "are of wide_resnet50_2 (a ResNet of 3-4-6-3 bottleneck blocks, 2 times as wide as the stem)"));
  EXPECT_THAT(refusal(synthetic_checkpoint("vgg16"), {.arch = "vgg16_bn"}), HasSubstr("are of vgg16 "));
  EXPECT_THAT(refusal(synthetic_checkpoint("alexnet"), {.arch = "leaky_resnet18"}),
              HasSubstr("are of alexnet "));
  EXPECT_THAT(refusal(synthetic_checkpoint("resnet18"), {.arch = "leaky_resnet34"}),
              HasSubstr("are of resnet18 "));
}

TEST(Build, RefusesBlockCountsOfNoNamedArchitecture) {
  ResNetOptions options;
  options.blocks = {2, 2, 3, 2};
  EXPECT_THAT(refusal(synthetic_resnet(options)),
              HasSubstr("of no known architecture (a ResNet of 2-2-3-2 basic blocks); known are resnet18, "));
  EXPECT_THAT(
      refusal(synthetic_resnet(options), {.arch = "resnet18"}),
      AllOf(HasSubstr("do not fit resnet18: 10 unexpected (layer3.2.bn1.bias"), HasSubstr("2-2-3-2")));
}

TEST(Build, RefusesOtherNetworks) {
  Checkpoint checkpoint;
  checkpoint.tensors["blocks.0.attn.qkv.weight"] = {{3, 1}, {0.0f, 0.0f, 0.0f}};
  EXPECT_THAT(refusal(checkpoint), HasSubstr("1 tensors (blocks.0.attn.qkv.weight) are of no known "
                                             "architecture (no ResNet, VGG or AlexNet)"));
  EXPECT_THAT(refusal(checkpoint, {.arch = "resnet18", .allow_partial = true}),
              HasSubstr("holds no tensor of resnet18"));
}

TEST(Build, RefusesUnknownNames) {
  EXPECT_THAT(
      refusal(synthetic_checkpoint("resnet18"), {.arch = "resnet19"}, {224, 224, 3}, ErrorCode::usage),
      HasSubstr("unknown architecture 'resnet19': choose one of resnet18, "));
}

TEST(Build, RefusesWrongShapes) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  checkpoint.tensors["conv1.weight"] = {{4, 3, 3, 3}, std::vector<float>(108)};
  EXPECT_EQ(refusal(checkpoint),
            "net.pt: conv1.weight has the shape [4, 3, 3, 3] where the network takes [4, 3, 7, 7]");
  checkpoint = synthetic_checkpoint("resnet18");
  checkpoint.tensors["layer1.0.bn2.weight"] = {{6}, std::vector<float>(6)};
  EXPECT_THAT(refusal(checkpoint),
              HasSubstr("layer1.0.bn2.weight has the shape [6] where the network takes [4]"));
}

TEST(Build, RefusesShortcutsOfAnotherWidth) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  checkpoint.tensors["layer2.0.downsample.0.weight"] = {{6, 4, 1, 1}, std::vector<float>(24)};
  for (const char* suffix : {"weight", "bias", "running_mean", "running_var"}) {
    checkpoint.tensors[std::string("layer2.0.downsample.1.") + suffix] = {{6}, std::vector<float>(6)};
  }
  EXPECT_THAT(
      refusal(checkpoint),
      HasSubstr("layer2.0.conv2.weight has 8 output channels where the shortcut it is added to has 6"));
}

TEST(Build, RefusesHostileShapes) {
  const auto with = [](std::vector<std::int64_t> shape, std::size_t values) {
    Checkpoint checkpoint = synthetic_checkpoint("resnet18");
    checkpoint.tensors["conv1.weight"] = {std::move(shape), std::vector<float>(values)};
    return refusal(checkpoint, {.allow_partial = true});
  };
  EXPECT_THAT(with({0, 3, 7, 7}, 0), HasSubstr("impossible shape [0, 3, 7, 7]"));
  EXPECT_THAT(with({-4, 3, 7, 7}, 0), HasSubstr("impossible shape"));
  EXPECT_THAT(with({std::int64_t{1} << 40, 3, 7, 7}, 1), HasSubstr("impossible shape"));
  EXPECT_THAT(with({4, 3, 7, 7}, 10), HasSubstr("has 10 values, which is not its shape"));
  EXPECT_THAT(with({588}, 588), HasSubstr("has the shape [588]"));
  EXPECT_THAT(with({}, 1), HasSubstr("has the shape []"));
}

// A thin weight may ask for activations that no offset reaches.
TEST(Build, BoundsActivations) {
  const auto with_channels = [](int channels) {
    Checkpoint checkpoint = synthetic_checkpoint("vgg11");
    const auto count = static_cast<std::size_t>(channels);
    checkpoint.tensors["features.0.weight"] = {{channels, 3, 3, 3}, std::vector<float>(27 * count)};
    checkpoint.tensors["features.0.bias"] = {{channels}, std::vector<float>(count)};
    const std::int64_t outputs = checkpoint.tensors.at("features.3.bias").shape[0];
    checkpoint.tensors["features.3.weight"] = {
        {outputs, channels, 3, 3}, std::vector<float>(9 * count * static_cast<std::size_t>(outputs))};
    return checkpoint;
  };
  EXPECT_EQ(build_network(with_channels(1337), {}, "net.pt").shape(1).channels, 1337);
  EXPECT_EQ(
      refusal(with_channels(1338)),
      "net.pt: features.0 gives 224 x 224 x 1338 activations for a photo: at most 67108864 can be computed");
}

TEST(Build, BoundsWhatItFillsIn) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  for (const char* name : {"layer4.1.conv1", "layer4.1.conv2"})
    checkpoint.tensors.erase(std::string(name) + ".weight");
  checkpoint.tensors["layer4.1.bn1.weight"] = {{1 << 20}, std::vector<float>(1 << 20)};
  EXPECT_THAT(refusal(checkpoint, {.allow_partial = true}),
              HasSubstr("layer4.1.conv1.weight is missing and too large to fill in: [1048576, 32, 3, 3]"));
}

TEST(Build, RefusesValuesThatAreNotUsable) {
  const auto with = [](const char* arch, const char* name, float value) {
    Checkpoint checkpoint = synthetic_checkpoint(arch);
    checkpoint.tensors.at(name).values.back() = value;
    return refusal(checkpoint);
  };
  EXPECT_EQ(with("resnet18", "layer2.0.conv1.weight", std::numeric_limits<float>::quiet_NaN()),
            "net.pt: layer2.0.conv1.weight holds values that are not finite");
  EXPECT_THAT(with("alexnet", "classifier.6.bias", std::numeric_limits<float>::infinity()),
              HasSubstr("classifier.6.bias holds values that are not finite"));
  EXPECT_EQ(with("vgg11_bn", "features.1.running_var", -0.5f),
            "net.pt: features.1.running_var holds negative variances");
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  checkpoint.tensors.at("bn1.weight").values.back() = 3e38f;
  checkpoint.tensors.at("bn1.running_var").values.back() = 0.0f;
  EXPECT_THAT(refusal(checkpoint), HasSubstr("conv1.weight overflows"));
}

TEST(Build, RefusesUnusableNormalisation) {
  Checkpoint checkpoint = synthetic_checkpoint("resnet18");
  checkpoint.normalization = Normalization{{0.5f, 0.5f, 0.5f}, {0.2f, 0.0f, 0.2f}};
  EXPECT_THAT(refusal(checkpoint), HasSubstr("normalisation is unusable: mean 0.5, standard deviation 0"));
}

TEST(Build, RefusesInputsThatTheNetworkCannotTake) {
  EXPECT_THAT(
      refusal(synthetic_checkpoint("vgg11"), {}, {256, 256, 3}),
      HasSubstr("vgg11 needs a feature map of 7 x 7, and an input of 256 x 256 gives 8 x 8: use 224 x 224"));
  EXPECT_THAT(refusal(synthetic_checkpoint("alexnet"), {}, {192, 192, 3}),
              HasSubstr("gives 5 x 5: use 224 x 224"));
  EXPECT_THAT(refusal(synthetic_checkpoint("vgg11"), {}, {16, 16, 3}),
              HasSubstr("16 x 16 is too small for vgg11"));
  EXPECT_THAT(refusal(synthetic_checkpoint("resnet18"), {}, {0, 224, 3}), HasSubstr("too small"));
  EXPECT_THAT(refusal(synthetic_checkpoint("resnet18"), {}, {224, 224, 1}),
              HasSubstr("conv1.weight has the shape"));
}

}  // namespace
}  // namespace backdrop
