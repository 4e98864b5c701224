/// \file
/// Folded checkpoints: the same network comes back, to the bit.
#include "models/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backdrop/error.h"
#include "models/build.h"
#include "synthetic.h"

namespace backdrop {
namespace {

using testing::HasSubstr;

/// The checkpoint that loading the exported file gives.
Checkpoint as_loaded(const FoldedCheckpoint& folded) {
  Checkpoint checkpoint;
  checkpoint.tensors = folded.tensors;
  checkpoint.metadata = folded.metadata;
  checkpoint.format = "safetensors";
  checkpoint.sha256 = std::string(64, '1');
  return checkpoint;
}

Checkpoint convert(const std::string& arch) {
  const Checkpoint source = synthetic_checkpoint(arch);
  BuildReport report;
  const Network network = build_network(source, {.arch = arch}, "net.pt", &report);
  return as_loaded(export_folded(network, source, report, "net.pt"));
}

void expect_same(const Layer& actual, const Layer& expected) {
  SCOPED_TRACE(expected.name);
  EXPECT_EQ(actual.name, expected.name);
  EXPECT_EQ(actual.kind, expected.kind);
  EXPECT_EQ(actual.input, expected.input);
  EXPECT_EQ(actual.residual, expected.residual);
  EXPECT_EQ(actual.kernel, expected.kernel);
  EXPECT_EQ(actual.stride, expected.stride);
  EXPECT_EQ(actual.padding, expected.padding);
  EXPECT_EQ(actual.groups, expected.groups);
  EXPECT_EQ(actual.activation, expected.activation);
  EXPECT_EQ(actual.in, expected.in);
  EXPECT_EQ(actual.out, expected.out);
  EXPECT_TRUE(actual.weights == expected.weights);
  EXPECT_TRUE(actual.bias == expected.bias);
}

class ConvertedArchitecture : public testing::TestWithParam<std::string> {};

TEST_P(ConvertedArchitecture, ComesBackToTheBit) {
  Checkpoint source = synthetic_checkpoint(GetParam());
  source.normalization = Normalization{{0.1f, 1.0f / 3.0f, 0.47889522f}, {0.22900000214f, 2e-7f, 1.0f}};
  BuildReport report;
  const Network network = build_network(source, {.arch = GetParam()}, "net.pt", &report);
  const Checkpoint folded = as_loaded(export_folded(network, source, report, "net.pt"));
  BuildReport again_report;
  const Network again = build_network(folded, {}, "net.safetensors", &again_report);
  EXPECT_EQ(again.arch, network.arch);
  EXPECT_EQ(again.normalization.mean, network.normalization.mean);
  EXPECT_EQ(again.normalization.deviation, network.normalization.deviation);
  EXPECT_EQ(again_report.checkpoint_parameters, report.checkpoint_parameters);
  ASSERT_EQ(again.layers.size(), network.layers.size());
  for (std::size_t i = 0; i < again.layers.size(); ++i) expect_same(again.layers[i], network.layers[i]);
}

std::string converted_name(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}
INSTANTIATE_TEST_SUITE_P(Convert, ConvertedArchitecture, testing::ValuesIn(known_architectures()),
                         converted_name);

TEST(Convert, RecordsProvenanceAndCarriesItOver) {
  const Checkpoint folded = convert("resnet18");
  EXPECT_EQ(folded.metadata.at("backdrop.source"), "net.pt");
  EXPECT_EQ(folded.metadata.at("backdrop.source_sha256"), std::string(64, '0'));
  EXPECT_EQ(folded.metadata.at("backdrop.source_format"), "pytorch-zip");
  EXPECT_FALSE(folded.metadata.contains("backdrop.filled_in"));
  BuildReport report;
  const Network network = build_network(folded, {}, "a.safetensors", &report);
  EXPECT_EQ(export_folded(network, folded, report, "a.safetensors").metadata, folded.metadata);
}

TEST(Convert, RecordsWhatAPartialCheckpointLacked) {
  Checkpoint source = synthetic_checkpoint("resnet18");
  source.tensors.erase("fc.bias");
  source.tensors["extra"] = {{1}, {0.0f}};
  BuildReport report;
  const Network network = build_network(source, {.allow_partial = true}, "net.pt", &report);
  const Checkpoint folded = as_loaded(export_folded(network, source, report, "net.pt"));
  EXPECT_EQ(folded.metadata.at("backdrop.filled_in"), "1");
  EXPECT_EQ(folded.metadata.at("backdrop.left_out"), "1");
  BuildReport whole;
  const Network again = build_network(folded, {}, "a.safetensors", &whole);
  EXPECT_TRUE(whole.missing.empty());
  EXPECT_EQ(whole.filled_in, 1u);
  EXPECT_EQ(whole.left_out, 1u);
  EXPECT_EQ(export_folded(again, folded, whole, "a.safetensors").metadata, folded.metadata);
}

void expect_refused(const Checkpoint& checkpoint, const BuildOptions& options, const std::string& message) {
  try {
    build_network(checkpoint, options, "net.safetensors");
    ADD_FAILURE() << "was not refused: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

TEST(Convert, RefusesAnotherArchitectureThanItWasConvertedAs) {
  expect_refused(convert("resnet18"), {.arch = "leaky_resnet18"},
                 "was converted as resnet18, not as leaky_resnet18");
}

TEST(Convert, RefusesDamagedFiles) {
  const Checkpoint good = convert("resnet18");
  const auto with = [&](const char* key, const char* value) {
    Checkpoint checkpoint = good;
    checkpoint.metadata[key] = value;
    return checkpoint;
  };
  expect_refused(with("backdrop.format", "folded-2"), {}, "this version reads 'folded-1'");
  expect_refused(with("backdrop.arch", "resnet19"), {}, "backdrop.arch cannot be read: 'resnet19'");
  expect_refused(with("backdrop.arch", "vgg11"), {}, "are of resnet18");
  expect_refused(with("backdrop.mean", "0.5 0.5"), {}, "backdrop.mean cannot be read");
  expect_refused(with("backdrop.mean", "0.5 0.5 0.5 "), {}, "backdrop.mean cannot be read");
  expect_refused(with("backdrop.mean", "0.5 0.5 nan"), {}, "normalisation is unusable");
  expect_refused(with("backdrop.deviation", "0.5 0.5 -1"), {}, "normalisation is unusable");
  expect_refused(with("backdrop.checkpoint_parameters", "-1"), {}, "checkpoint_parameters cannot be read");
  Checkpoint checkpoint = good;
  checkpoint.metadata.erase("backdrop.mean");
  expect_refused(checkpoint, {}, "the metadata has no backdrop.mean");
  checkpoint = good;
  checkpoint.tensors.erase("layer1.0.conv1.bias");
  expect_refused(checkpoint, {}, "1 missing (layer1.0.conv1.bias)");
  checkpoint = good;
  checkpoint.tensors["layer1.0.bn1.weight"] = {{4}, std::vector<float>(4)};
  expect_refused(checkpoint, {}, "1 unexpected (layer1.0.bn1.weight)");
}

}  // namespace
}  // namespace backdrop
