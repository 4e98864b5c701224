// Wrappers, prefixes and other libraries' names come out as torchvision's.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "backdrop/error.h"
#include "file_writers.h"

namespace backdrop::testing {
namespace {

using pickle::dict;

std::string floats_at(std::string_view key, std::int64_t count, const std::vector<std::int64_t>& shape,
                      const std::vector<std::int64_t>& strides) {
  return pickle::tensor(pickle::storage("FloatStorage", key, count), 0, shape, strides);
}

std::string one_value() {
  return floats_at("0", 6, {1}, {1});
}

/// Names in the result for these names in the file.
std::vector<std::string> names_of(const std::vector<std::string>& stored) {
  std::vector<std::pair<std::string, std::string>> items;
  for (const std::string& name : stored) items.emplace_back(name, one_value());
  std::vector<std::string> names;
  for (const auto& [name, tensor] : load_bytes(zip_checkpoint(dict(items), {small_storage()})).tensors)
    names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

TEST(StateNames, PrefixesAreStrippedInAnyOrder) {
  EXPECT_EQ(names_of({"fc.bias"}), Names{"fc.bias"});
  EXPECT_EQ(names_of({"module.fc.bias"}), Names{"fc.bias"});
  EXPECT_EQ(names_of({"model.fc.bias"}), Names{"fc.bias"});
  EXPECT_EQ(names_of({"module.model.fc.bias"}), Names{"fc.bias"});
  EXPECT_EQ(names_of({"model.module.fc.bias"}), Names{"fc.bias"});
  EXPECT_EQ(names_of({"_orig_mod.module.fc.bias"}), Names{"fc.bias"});
  EXPECT_EQ(names_of({"modules.fc.bias"}), Names{"modules.fc.bias"});
}

TEST(StateNames, APrefixOfAllTensorsIsStripped) {
  EXPECT_EQ(names_of({"net.conv1.weight", "net.layer1.0.conv1.weight", "net.bn1.num_batches_tracked"}),
            (Names{"conv1.weight", "layer1.0.conv1.weight"}));
  EXPECT_EQ(names_of({"module.a.b.features.0.weight", "module.a.b.classifier.0.bias"}),
            (Names{"classifier.0.bias", "features.0.weight"}));
  for (const Names& kept : {Names{"fc.bias", "net.conv1.weight"}, Names{"myconv1.weight"},
                            Names{"conv1.weight", "layer1.0.conv1.weight"}})
    EXPECT_EQ(names_of(kept), kept);
}

TEST(StateNames, CountersAndTheAttackersCopyAreLeftOut) {
  EXPECT_EQ(names_of({"module.model.fc.bias", "module.attacker.model.fc.bias",
                      "module.attacker.normalize.new_mean", "module.model.bn1.num_batches_tracked"}),
            Names{"fc.bias"});
}

/// robustness's network, attacker and normalizer, each name behind `prefix`.
Names robustness_names(const std::string& prefix, const std::string& inner = "") {
  Names names;
  for (const char* name : {"conv1.weight", "bn1.num_batches_tracked", "layer1.0.conv1.weight", "fc.bias"}) {
    names.push_back(prefix + "model." + inner + name);
    names.push_back(prefix + "attacker.model." + inner + name);
  }
  names.push_back(prefix + "attacker.normalize.new_mean");
  return names;
}

TEST(StateNames, RobustnessInALightningModule) {
  const Names network = {"conv1.weight", "fc.bias", "layer1.0.conv1.weight"};
  for (const char* prefix :
       {"", "module.", "model.", "net.", "net.module.", "module.net.", "a.net.", "net.model."})
    for (const char* inner : {"", "module.", "_orig_mod."})
      EXPECT_EQ(names_of(robustness_names(prefix, inner)), network) << prefix << inner;
}

TEST(StateNames, WhatMayBeAnotherNetworkKeepsItsNames) {
  const Names robustness = robustness_names("net.");
  const auto kept = [&robustness](const std::string& more) {
    Names names = robustness;
    names.push_back(more);
    const Names found = names_of(names);
    return std::find(found.begin(), found.end(), "net.model.conv1.weight") != found.end();
  };
  for (const char* more : {"net.fc.weight", "fc.weight", "teacher.conv1.weight", "teacher.model.conv1.weight",
                           "net.attackers.weight", "net.normalize.new_mean", "other.attacker.model.fc.bias"})
    EXPECT_TRUE(kept(more)) << more;
  EXPECT_EQ(names_of({"net.mymodel.conv1.weight", "net.attacker.mymodel.conv1.weight"}),
            (Names{"net.attacker.mymodel.conv1.weight", "net.mymodel.conv1.weight"}));
}

TEST(StateNames, TwoTensorsOfOneNameAreRefused) {
  expect_refused(
      zip_checkpoint(dict({{"fc.bias", one_value()}, {"module.fc.bias", one_value()}}), {small_storage()}),
      "has two tensors for \"fc.bias\": \"fc.bias\" and \"module.fc.bias\"");
  expect_refused(zip_checkpoint(dict({{"module.", one_value()}}), {small_storage()}), "only \"module.\"");
}

TEST(StateNames, AKeyWrittenTwiceKeepsItsLastValueAsInPython) {
  const std::string second = pickle::tensor(pickle::storage("FloatStorage", "0", 6), 3, {1}, {1});
  const auto checkpoint =
      load_bytes(zip_checkpoint(dict({{"a", one_value()}, {"a", second}}), {small_storage()}));
  EXPECT_EQ(checkpoint.tensors.at("a").values, std::vector<float>{4});
}

TEST(StateNames, WrappersOfTrainingScripts) {
  for (const std::string key : {"model", "state_dict", "model_state_dict", "net"}) {
    SCOPED_TRACE(key);
    const std::string object = dict({{"epoch", "K\x05"}, {"best_acc1", one_value()}, {key, small_object()}});
    const auto checkpoint = load_bytes(zip_checkpoint(object, {small_storage()}));
    EXPECT_EQ(checkpoint.tensors.size(), 1u);
    EXPECT_EQ(checkpoint.tensors.at("weight").values.size(), 6u);
  }
  const std::string twice = dict({{"model", dict({{"state_dict", small_object()}})}});
  EXPECT_EQ(load_bytes(zip_checkpoint(twice, {small_storage()})).tensors.size(), 1u);
  const std::string arch = dict({{"model", pickle::text("resnet18")}, {"net", small_object()}});
  EXPECT_EQ(load_bytes(zip_checkpoint(arch, {small_storage()})).tensors.size(), 1u);
}

TEST(StateNames, OtherDictsOfTensorsAreNamed) {
  const std::string object = dict({{"state_dict_ema", small_object()},
                                   {"optimizer", dict({{"state", dict({})}})},
                                   {"state_dict", small_object()}});
  EXPECT_EQ(load_bytes(zip_checkpoint(object, {small_storage()})).other_dicts, Names{"state_dict_ema"});
  EXPECT_EQ(load_bytes(zip_checkpoint(small_object(), {small_storage()})).other_dicts, Names{});
}

// Or a file of a few megabytes would take hours.
TEST(StateNames, OneDictUnderManyKeysIsLookedThroughOnce) {
  constexpr int kEntries = 500'000;
  // "q" keeps what was pushed under a number, "h" pushes it again: the dict is 0, the key of all entries 1.
  using std::string_literals::operator""s;
  std::string large = "}q\0("s + pickle::text("key") + "q\1K\1";
  std::string object = "}(" + pickle::text("state_dict") + small_object() + pickle::text("large");
  std::string again;
  for (int i = 0; i < kEntries; ++i) {
    large += "h\1K\1";
    again += "h\1h\0"s;
  }
  object += large + "u" + again + "u";
  const auto checkpoint = load_bytes(zip_checkpoint(object, {small_storage()}));
  EXPECT_EQ(checkpoint.tensors.size(), 1u);
  EXPECT_EQ(checkpoint.other_dicts, Names{});
}

std::string normalizer(const std::vector<float>& mean, const std::vector<float>& deviation,
                       const std::string& prefix = "module.") {
  const auto of = [](std::string_view key, const std::vector<float>& values) {
    return floats_at(key, static_cast<std::int64_t>(values.size()),
                     {static_cast<std::int64_t>(values.size()), 1, 1}, {1, 1, 1});
  };
  std::vector<std::pair<std::string, std::string>> items = {
      {prefix + "model.conv1.weight", floats_at("2", 6, {6}, {1})}};
  if (!mean.empty()) items.emplace_back(prefix + "normalizer.new_mean", of("0", mean));
  if (!deviation.empty()) items.emplace_back(prefix + "normalizer.new_std", of("1", deviation));
  return zip_checkpoint(dict(items), {floats(mean), floats(deviation), small_storage()});
}

TEST(StateNames, TheNormalizerIsTakenOut) {
  for (const char* prefix : {"", "module.", "model.", "net.", "net.module."}) {
    SCOPED_TRACE(prefix);
    const auto checkpoint = load_bytes(normalizer({.5f, .25f, .125f}, {.25f, .5f, .75f}, prefix));
    ASSERT_TRUE(checkpoint.normalization.has_value());
    EXPECT_EQ(checkpoint.normalization->mean, (std::array<float, 3>{.5f, .25f, .125f}));
    EXPECT_EQ(checkpoint.normalization->deviation, (std::array<float, 3>{.25f, .5f, .75f}));
    EXPECT_EQ(checkpoint.tensors.size(), 1u);
  }
}

TEST(StateNames, ANormalizerThatIsNoneIsRefused) {
  expect_refused(normalizer({.5f, .5f, .5f}, {}), "only one of normalizer.new_mean and normalizer.new_std");
  expect_refused(normalizer({.5f, .5f}, {.5f, .5f, .5f}),
                 "\"normalizer.new_mean\" that is not three finite numbers");
  expect_refused(normalizer({.5f, .5f, std::numeric_limits<float>::quiet_NaN()}, {.5f, .5f, .5f}),
                 "three finite numbers");
  expect_refused(normalizer({.5f, .5f, .5f}, {.5f, 0, .5f}), "new_std that is not positive");
  expect_refused(normalizer({.5f, .5f, .5f}, {}, "net."), "only one of normalizer.new_mean");
}

TEST(StateNames, TimmsConvolutionalClassifierOfVgg) {
  const std::string object = dict({{"features.0.weight", floats_at("0", 6, {1, 1, 1, 2}, {2, 2, 2, 1})},
                                   {"pre_logits.fc1.weight", floats_at("0", 6, {1, 3, 1, 2}, {6, 2, 2, 1})},
                                   {"pre_logits.fc1.bias", floats_at("0", 6, {1}, {1})},
                                   {"pre_logits.fc2.weight", floats_at("0", 6, {2, 1, 1, 1}, {1, 1, 1, 1})},
                                   {"pre_logits.fc2.bias", floats_at("0", 6, {2}, {1})},
                                   {"head.fc.weight", floats_at("0", 6, {3, 2}, {2, 1})},
                                   {"head.fc.bias", floats_at("0", 6, {3}, {1})}});
  const StateDict tensors = load_bytes(zip_checkpoint(object, {small_storage()})).tensors;
  EXPECT_EQ(tensors.size(), 7u);
  EXPECT_EQ(tensors.at("features.0.weight").shape, (std::vector<std::int64_t>{1, 1, 1, 2}));
  EXPECT_EQ(tensors.at("classifier.0.weight").shape, (std::vector<std::int64_t>{1, 6}));
  EXPECT_EQ(tensors.at("classifier.0.weight").values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(tensors.at("classifier.3.weight").shape, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(tensors.at("classifier.6.weight").shape, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(tensors.at("classifier.6.bias").shape, (std::vector<std::int64_t>{3}));
}

TEST(StateNames, TimmsAndTorchvisionsNamesAtOnceAreRefused) {
  expect_refused(
      zip_checkpoint(dict({{"pre_logits.fc1.weight", one_value()}, {"classifier.0.weight", one_value()}}),
                     {small_storage()}),
      "has both \"pre_logits.fc1.weight\" and \"classifier.0.weight\"");
}

TEST(StateNames, FilesWithoutAStateDictSayWhatTheyHold) {
  const auto refused = [](const std::string& object, const char* reason) {
    expect_refused(zip_checkpoint(object, {small_storage()}), reason);
  };
  refused(dict({}), "empty dictionary");
  refused(dict({{"epoch", "K\x05"}, {"optimizer", dict({})}}),
          "or under state_dict, model_state_dict, model, net; its keys are epoch, optimizer;");
  refused("N", "holds None where a state dict is expected");
  refused(pickle::list({one_value()}), "holds a list");
  refused(one_value(), "holds a tensor");
  refused(pickle::call(pickle::global("argparse", "Namespace"), {}), "an object of class argparse.Namespace");
  refused(dict({{"bn1.num_batches_tracked", one_value()}}), "holds no tensors of a network");
  refused(dict({{"evil\nkey", "N"}}), "evil?key");
}

}  // namespace
}  // namespace backdrop::testing
