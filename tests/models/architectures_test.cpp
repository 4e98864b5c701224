/// \file
/// Every architecture from synthetic tensors: inference, layers, sizes, published counts.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "models/build.h"
#include "models/describe.h"
#include "synthetic.h"
#include "tests/slow_tests.h"

namespace backdrop {
namespace {

/// Parameters and multiply-adds at 224 x 224 of torchvision's networks with 1000 classes.
struct Published {
  const char* arch;
  std::int64_t parameters;
  std::int64_t macs;
};

// wide_resnet50_3 to _5 and the other VGGs are left to the thin tests.
constexpr Published kPublished[] = {
    {"resnet18", 11689512, 1814073344},
    {"resnet34", 21797672, 3663761408},
    {"resnet50", 25557032, 4089184256},
    {"resnet101", 44549160, 7801405440},
    {"resnet152", 60192808, 11513626624},
    {"wide_resnet50_2", 68883240, 11398021120},
    {"wide_resnet101_2", 126886696, 22753050624},
    {"resnext50_32x4d", 25028904, 4230479872},
    {"resnext101_32x8d", 88791336, 16414015488},
    {"resnext101_64x4d", 83455272, 15460270080},
    {"leaky_resnet18", 11689512, 1814073344},
    {"leaky_resnet50", 25557032, 4089184256},
    {"vgg11", 132863336, 7609090048},
    {"vgg16", 138357544, 15470264320},
    {"vgg16_bn", 138365992, 15470264320},
    {"alexnet", 61100840, 714188480},
};

class PublishedCounts : public testing::TestWithParam<Published> {};

TEST_P(PublishedCounts, AreMet) {
  const Published& expected = GetParam();
  if (expected.parameters > 100'000'000 && !test::slow_tests_run()) {
    GTEST_SKIP() << "half a gigabyte of weights: " << test::kOnlySlowTests;
  }
  BuildReport report;
  const Network network =
      build_network(full_size_checkpoint(expected.arch), {.arch = expected.arch}, "file", &report);
  EXPECT_EQ(report.checkpoint_parameters, expected.parameters);
  EXPECT_EQ(network.macs(), expected.macs);
  EXPECT_EQ(network.classes(), 1000);
}

std::string published_name(const testing::TestParamInfo<Published>& info) {
  return info.param.arch;
}
INSTANTIATE_TEST_SUITE_P(Models, PublishedCounts, testing::ValuesIn(kPublished), published_name);

class EveryArchitecture : public testing::TestWithParam<std::string> {};

TEST_P(EveryArchitecture, IsInferredUpToLeakiness) {
  const bool leaky = GetParam().starts_with("leaky_");
  BuildReport report;
  const Network network = build_network(synthetic_checkpoint(GetParam()), {}, "file", &report);
  EXPECT_EQ(network.arch, leaky ? GetParam().substr(6) : GetParam());
  EXPECT_EQ(report.arch, network.arch);
  EXPECT_TRUE(report.missing.empty());
  EXPECT_TRUE(report.unexpected.empty());
}

TEST_P(EveryArchitecture, IsBuiltByName) {
  const Network network = build_network(synthetic_checkpoint(GetParam()), {.arch = GetParam()}, "file");
  EXPECT_EQ(network.arch, GetParam());
  EXPECT_EQ(network.classes(), 5);
  const auto leaky_layers =
      std::count_if(network.layers.begin(), network.layers.end(),
                    [](const Layer& layer) { return layer.activation == Activation::leaky_relu; });
  EXPECT_EQ(leaky_layers > 0, GetParam().starts_with("leaky_"));
}

/// Values come before their readers, shapes agree and the arrays have the sizes that the shapes say.
TEST_P(EveryArchitecture, IsConsistent) {
  const Network network = build_network(synthetic_checkpoint(GetParam()), {.arch = GetParam()}, "file");
  std::set<std::string> names;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    SCOPED_TRACE(layer.name);
    EXPECT_TRUE(names.insert(layer.name).second);
    ASSERT_LE(layer.input, static_cast<int>(i));
    ASSERT_LE(layer.residual, static_cast<int>(i));
    EXPECT_EQ(network.shape(layer.input), layer.in);
    if (layer.residual >= 0) {
      EXPECT_EQ(network.shape(layer.residual), layer.out);
    }
    std::int64_t weights = 0;
    if (layer.kind == LayerKind::convolution) {
      weights =
          std::int64_t{layer.out.channels} * (layer.in.channels / layer.groups) * layer.kernel * layer.kernel;
    } else if (layer.kind == LayerKind::fully_connected) {
      weights = layer.out.channels * layer.in.size();
    }
    EXPECT_EQ(static_cast<std::int64_t>(layer.weights.size()), weights);
    EXPECT_EQ(layer.bias.size(), weights == 0 ? 0u : static_cast<std::size_t>(layer.out.channels));
  }
}

std::string arch_name(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}
INSTANTIATE_TEST_SUITE_P(Models, EveryArchitecture, testing::ValuesIn(known_architectures()), arch_name);

TEST(Architectures, BottleneckStridesOnItsSpatialConvolution) {
  const Network network = build_network(synthetic_checkpoint("resnet50"), {}, "file");
  for (const Layer& layer : network.layers) {
    if (layer.name == "layer2.0.conv1") {
      EXPECT_EQ(layer.stride, 1);
    }
    if (layer.name == "layer2.0.conv2") {
      EXPECT_EQ(layer.stride, 2);
    }
    if (layer.name == "layer2.0.downsample.0") {
      EXPECT_EQ(layer.stride, 2);
      EXPECT_EQ(layer.activation, Activation::none);
    }
  }
}

TEST(Architectures, ShortcutOfTheFirstBasicBlockIsThePooledStem) {
  const Network network = build_network(synthetic_checkpoint("resnet18"), {}, "file");
  EXPECT_EQ(network.layers[1].name, "maxpool");
  EXPECT_EQ(network.layers[3].name, "layer1.0.conv2");
  EXPECT_EQ(network.layers[3].residual, 2);
  EXPECT_EQ(network.layers[3].activation, Activation::relu);
  EXPECT_EQ(network.layers[3].out, (ValueShape{56, 56, 4}));
}

TEST(Architectures, GroupsAreReadOffTheShapes) {
  ResNetOptions options;
  options.blocks = {3, 4, 6, 3};
  options.bottleneck = true;
  options.bottleneck_width = 2;
  options.groups = 4;
  const Network network = build_network(synthetic_resnet(options), {}, "file");
  EXPECT_EQ(network.arch, "resnext50_32x4d");
  for (const Layer& layer : network.layers) {
    EXPECT_EQ(layer.groups, layer.name.starts_with("layer") && layer.name.ends_with("conv2") ? 4 : 1)
        << layer.name;
  }
}

TEST(Architectures, ResNetTakesOtherInputSizes) {
  const Network network = build_network(synthetic_checkpoint("resnet18"), {}, "file", nullptr, {96, 64, 3});
  EXPECT_EQ(network.shape(1), (ValueShape{48, 32, 4}));
  EXPECT_EQ(network.classes(), 5);
}

TEST(Architectures, NormalisationFollowsTheClassesUnlessTheCheckpointHasItsOwn) {
  ResNetOptions options;
  options.classes = 9;
  Checkpoint checkpoint = synthetic_resnet(options);
  EXPECT_EQ(build_network(checkpoint, {}, "file").normalization.mean[0], 0.4717f);
  options.classes = 1000;
  EXPECT_EQ(build_network(synthetic_resnet(options), {}, "file").normalization.mean[0], 0.485f);
  checkpoint.normalization = Normalization{{0.1f, 0.2f, 0.3f}, {0.4f, 0.5f, 0.6f}};
  BuildReport report;
  EXPECT_EQ(build_network(checkpoint, {}, "file", &report).normalization.deviation[2], 0.6f);
  EXPECT_EQ(report.normalization_source, "checkpoint");
  const BuildOptions given{.normalization = Normalization{{0, 0, 0}, {1, 1, 1}}};
  EXPECT_EQ(build_network(checkpoint, given, "file", &report).normalization.deviation[2], 1);
  EXPECT_EQ(report.normalization_source, "given");
  build_network(synthetic_resnet(options), {}, "file", &report);
  EXPECT_EQ(report.normalization_source, "imagenet");
}

TEST(Architectures, AreDescribedLayerByLayer) {
  const Network network =
      build_network(synthetic_checkpoint("leaky_resnet18"), {.arch = "leaky_resnet18"}, "file");
  const std::vector<LayerRow> rows = describe_layers(network);
  ASSERT_EQ(rows.size(), network.layers.size());
  EXPECT_EQ(rows[0].operation, "conv 7x7 stride 2 pad 3");
  EXPECT_EQ(rows[0].input, "224x224x3");
  EXPECT_EQ(rows[0].output, "112x112x4");
  EXPECT_EQ(rows[0].activation, "leaky relu");
  EXPECT_EQ(rows[0].parameters, 4 * 3 * 49 + 4);
  EXPECT_EQ(rows[0].macs, std::int64_t{112} * 112 * 4 * 3 * 49);
  EXPECT_EQ(rows[1].operation, "max pool 3x3 stride 2 pad 1");
  EXPECT_EQ(rows[3].residual, "maxpool");
  EXPECT_EQ(rows.back().operation, "linear");
}

}  // namespace
}  // namespace backdrop
