// Below fp32 by plain loops, which every machine has: the layers, the recheck and the audit.
#include <gtest/gtest.h>

#include "backdrop/error.h"
#include "engine/engine.h"
#include "engine/screened_runner.h"
#include "engine/stored_values.h"
#include "models/build.h"
#include "tests/engine/random_search.h"
#include "tests/models/synthetic.h"

namespace backdrop {
namespace {

using test::kClasses;
using Search = test::RandomSearch;

Calibration calibration_of(std::shared_ptr<const Network> network, const Search& search, ThreadPool& pool) {
  std::vector<CompositePhotos> photos;
  for (std::size_t f = 0; f < search.masks.size(); ++f)
    photos.push_back(
        {&search.foregrounds[f], &search.masks[f], &(*search.backgrounds)[f % search.backgrounds->size()]});
  return calibrate(std::move(network), photos, pool);
}

std::shared_ptr<const Network> network_of(unsigned seed, int size) {
  return seed % 2 == 0 ? test::random_residual_network(size, seed) : test::random_plain_network(size, seed);
}

// The network with its logits shifted so that each has a mean of 0 on this search: random networks prefer one
// class otherwise.
std::shared_ptr<const Network> balance(const std::shared_ptr<const Network>& network, int size,
                                       unsigned seed) {
  Search search(size, 20, seed);
  const auto engine = make_cpu_engine(network, default_class_map(kClasses), {});
  engine->set_backgrounds(search.backgrounds);
  engine->classify_composites(search.tasks());
  auto balanced = std::make_shared<Network>(*network);
  const auto count = static_cast<float>(search.masks.size() * search.all.size());
  for (const auto& row : search.logits)
    for (std::size_t i = 0; i < row.size(); ++i) balanced->layers.back().bias[i % kClasses] -= row[i] / count;
  return balanced;
}

TEST(ReducedLayers, AreCloseToFp32WithAnyHandOff) {
  ThreadPool pool(2);
  const DecisionWriter writer(default_class_map(kClasses), kClasses);
  for (unsigned seed = 40; seed < 44; ++seed) {
    const int size = 17 + static_cast<int>(seed) % 4;
    const auto network = network_of(seed, size);
    Search exact(size, 7, seed);
    ReuseRunner runner(network, {4, 0, std::size_t{1} << 30}, pool);
    runner.set_backgrounds(exact.backgrounds);
    runner.run(exact.tasks(), writer);
    float largest = 0;
    for (const auto& row : exact.logits)
      for (const float logit : row) largest = std::max(largest, std::abs(logit));
    struct Form {
      Precision precision;
      bool bf16_sums;
    };
    for (const auto& [precision, bf16_sums] : {Form{Precision::int8, false}, Form{Precision::int8, true},
                                               Form{Precision::bf16, false}, Form{Precision::int16, false}}) {
      Search first(size, 7, seed);
      for (int hand_off = 0; hand_off < first_fully_connected(*network); ++hand_off) {
        SCOPED_TRACE(::testing::Message() << name(precision) << (bf16_sums ? " with sums in bf16" : "")
                                          << ", seed " << seed << ", hand-off " << hand_off);
        Search search(size, 7, seed);
        // Sums of whole numbers do not depend on their order, so without tiles the bits must be the same.
        const bool tiles = seed % 4 < 2;
        ReducedOptions options{precision, 3, true, calibration_of(network, search, pool), tiles, bf16_sums};
        ReuseRunner reduced(std::make_unique<ReducedNetwork>(*network, options),
                            {3, hand_off, std::size_t{1} << 30}, pool);
        reduced.set_backgrounds(search.backgrounds);
        reduced.run(search.tasks(), writer);
        if (hand_off == 0) first = search;
        const float allowed = precision == Precision::int8    ? 0.5f
                              : precision == Precision::int16 ? 0.03f
                                                              : 0.1f;
        for (std::size_t f = 0; f < search.logits.size(); ++f)
          for (std::size_t i = 0; i < search.logits[f].size(); ++i)
            ASSERT_NEAR(search.logits[f][i], exact.logits[f][i], allowed * largest) << test::mask_names()[f];
        if (precision == Precision::int8 && !tiles && (!bf16_sums || !has_sums(*network))) {
          ASSERT_EQ(search.logits, first.logits);
        }
        if (hand_off == 0) {
          EXPECT_LE(reduced.multiply_adds(), network->macs() * std::int64_t(exact.masks.size()) * 7);
          EXPECT_GT(reduced.multiply_adds(), 0);
        }
      }
    }
  }
}

TEST(Screening, EndsWithTheAnswersOfFp32) {
  std::int64_t rechecked = 0;
  for (unsigned seed = 50; seed < 54; ++seed) {
    const int size = 18;
    const auto network = balance(network_of(seed, size), size, seed);
    Search exact(size, 40, seed);
    EngineOptions options;
    options.threads = 2;
    const auto engine = make_cpu_engine(network, default_class_map(kClasses), options);
    engine->set_backgrounds(exact.backgrounds);
    engine->classify_composites(exact.tasks());
    EXPECT_FALSE(engine->screening().has_value());
    for (const Precision precision : {Precision::int8, Precision::int16, Precision::bf16}) {
      for (const bool reuse : {true, false}) {
        SCOPED_TRACE(::testing::Message() << name(precision) << ", seed " << seed << ", reuse " << reuse);
        Search search(size, 40, seed);
        options.precision = precision;
        options.reuse = reuse;
        options.portable = true;
        const auto screened = make_cpu_engine(network, default_class_map(kClasses), options);
        screened->set_backgrounds(search.backgrounds);
        screened->classify_composites(search.tasks());
        for (std::size_t f = 0; f < search.masks.size(); ++f)
          for (std::size_t b = 0; b < search.all.size(); ++b)
            EXPECT_EQ(search.predictions[f][b], exact.predictions[f][b])
                << test::mask_names()[f] << ", background " << b << ", margin " << exact.margins[f][b];
        for (std::size_t f = 0; f < search.masks.size(); ++f)
          for (std::size_t b = 0; b < search.all.size(); ++b) ASSERT_FALSE(std::isnan(search.margins[f][b]));
        const ScreeningReport report = screened->screening().value();
        EXPECT_EQ(report.composites, 400);
        rechecked += report.rechecked;
        EXPECT_LT(report.rechecked + report.audited, report.composites);
        EXPECT_EQ(report.again_seconds > 0, report.rechecked + report.audited > 0);
        EXPECT_EQ(report.wrong, 0);
        EXPECT_EQ(report.errors.size(), 9u);
      }
    }
  }
  EXPECT_GT(rechecked, 0);
}

TEST(Screening, TheChosenPrecisionGivesTheSameAnswers) {
  const int size = 18;
  const auto network = balance(network_of(50, size), size, 50);
  Search exact(size, 30, 50);
  const auto engine = make_cpu_engine(network, default_class_map(kClasses), {});
  engine->set_backgrounds(exact.backgrounds);
  engine->classify_composites(exact.tasks());
  for (const bool ahead : {true, false}) {
    Search search(size, 30, 50);
    EngineOptions options;
    options.choose_precision = true;
    options.portable = true;
    const auto chosen = make_cpu_engine(network, default_class_map(kClasses), options);
    chosen->set_backgrounds(search.backgrounds);
    if (ahead) {
      std::vector<const Mask*> masks;
      for (const Mask& mask : search.masks) masks.push_back(&mask);
      chosen->prepare(masks);
      chosen->calibrate(search.tasks(), {});
      EXPECT_GT(chosen->tile(), 0);
    }
    chosen->classify_composites(search.tasks());
    EXPECT_EQ(search.predictions, exact.predictions);
  }
}

TEST(Screening, ACpuWithoutTheInstructionsSaysSo) {
  const auto network = test::random_plain_network(16, 3);
  EngineOptions options;
  options.precision = Precision::fp16;
  EXPECT_THROW(make_cpu_engine(network, default_class_map(kClasses), options), Error);
  for (const Precision precision : {Precision::int8, Precision::int16, Precision::bf16}) {
    if (kernels::has_dot_instructions(precision)) continue;
    options.precision = precision;
    try {
      make_cpu_engine(network, default_class_map(kClasses), options);
      FAIL() << "made an engine";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_device);
    }
  }
}

TEST(StoredValues, WeightsBeforeAndBesideBlocksHaveTwoTerms) {
  for (const char* arch : {"resnet18", "resnet50"}) {
    Network network = build_network(synthetic_checkpoint(arch), {}, arch);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      Layer& layer = network.layers[i];
      if (layer.kind != LayerKind::convolution) continue;
      const auto index = static_cast<int>(i);
      const bool beside = layer.name == "conv1" || layer.name.find("downsample") != std::string::npos;
      EXPECT_EQ(weight_terms(network, index), beside ? 2 : 1) << layer.name;
      layer.in.channels = 512;
      EXPECT_EQ(weight_terms(network, index), 1) << layer.name;
    }
  }
}

TEST(StoredValues, WideConvolutionsIntoBlocksMultiplyBytes) {
  Network network = build_network(synthetic_checkpoint("resnet50"), {}, "resnet50");
  const std::vector<Precision> sums = stored_values(network, Precision::int8, true);
  const std::vector<Precision> halves = stored_values(network, Precision::bf16, true);
  for (int i = 0; i < first_fully_connected(network); ++i) {
    Layer& layer = network.layers[i];
    EXPECT_EQ(multiplied_as(network, i, sums), sums[layer.input]) << layer.name;
    layer.out.channels = 256;
    const bool into_block = layer.name.find(".conv1") != std::string::npos;
    EXPECT_EQ(multiplied_as(network, i, sums), into_block ? Precision::int8 : sums[layer.input])
        << layer.name;
    EXPECT_EQ(multiplied_as(network, i, halves), Precision::bf16) << layer.name;
  }
}

TEST(StoredValues, SumsAndWhatComesBeforeBlocks) {
  for (unsigned seed = 40; seed < 60; ++seed) {
    const auto network = network_of(seed, 17);
    const bool residual = seed % 2 == 0;
    EXPECT_EQ(has_sums(*network), residual);
    const auto all = [&](Precision precision) {
      return std::vector<Precision>(first_fully_connected(*network) + 1, precision);
    };
    EXPECT_EQ(stored_values(*network, Precision::int8, false), all(Precision::int8));
    EXPECT_EQ(stored_values(*network, Precision::bf16, true), all(Precision::bf16));
    EXPECT_EQ(stored_values(*network, Precision::int16, true), all(Precision::int16));
    const std::vector<Precision> stored = stored_values(*network, Precision::int8, true);
    EXPECT_EQ(stored == all(Precision::int8), !residual);
    EXPECT_EQ(stored[0], residual ? Precision::bf16 : Precision::int8);
    for (int i = 0; i < first_fully_connected(*network); ++i) {
      const Layer& layer = network->layers[i];
      if (layer.residual >= 0) {
        EXPECT_EQ(stored[i + 1], Precision::bf16);
        EXPECT_EQ(stored[layer.residual], Precision::bf16);
      }
      if (layer.kind != LayerKind::convolution) {
        EXPECT_EQ(stored[i + 1], stored[layer.input]);
      }
    }
  }
}

TEST(Screening, SumsGoToBfloat16WhereBytesAreTooCoarse) {
  const int size = 18;
  ThreadPool pool(2);
  const DecisionWriter writer(default_class_map(kClasses), kClasses);
  const auto network = balance(test::random_residual_network(size, 52), size, 52);
  Search exact(size, 40, 52);
  ReuseRunner runner(network, {4, 0, std::size_t{1} << 28}, pool);
  runner.set_backgrounds(exact.backgrounds);
  runner.run(exact.tasks(), writer);
  Calibration calibration = calibration_of(network, exact, pool);
  for (const bool coarse : {false, true}) {
    if (coarse)
      for (std::size_t v = 0; v < calibration.values.size(); ++v)
        if (stored_values(*network, Precision::int8, true)[v] == Precision::bf16)
          calibration.values[v].scale *= 20;
    Search search(size, 40, 52);
    ScreenedRunner screened(network,
                            {.precision = Precision::int8,
                             .portable = true,
                             .cache_memory = std::size_t{1} << 28,
                             .calibration = calibration},
                            pool);
    screened.set_backgrounds(search.backgrounds);
    screened.run(search.tasks(), writer);
    EXPECT_EQ(screened.report().sums.has_value(), coarse);
    EXPECT_LT(screened.report().rechecked, screened.report().composites / 2);
    EXPECT_EQ(search.predictions, exact.predictions);
  }
}

TEST(Screening, TheAuditCatchesALayerWhoseScaleBroke) {
  const int size = 18;
  const auto network = balance(test::random_plain_network(size, 51), size, 51);
  ThreadPool pool(2);
  const DecisionWriter writer(default_class_map(kClasses), kClasses);
  Search search(size, 120, 51);
  ScreenedRunner runner(
      network, {.precision = Precision::int8, .portable = true, .cache_memory = std::size_t{1} << 28}, pool);
  runner.set_backgrounds(search.backgrounds);
  runner.calibrate(search.tasks());
  runner.run(search.tasks(), writer);
  EXPECT_EQ(runner.report().wrong, 0);
  runner.fast_layers()->break_scale(0, 4.0f);
  try {
    runner.run(search.tasks(), writer);
    FAIL() << "the audit saw nothing";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_NE(std::string(error.what()).find("run again in fp32 (--precision fp32)"), std::string::npos)
        << error.what();
  }
  EXPECT_GT(runner.report().wrong, 0);
}

TEST(Screening, ACalibrationEndsWhenItIsAskedTo) {
  const int size = 18;
  const auto network = balance(network_of(50, size), size, 50);
  Search search(size, 20, 50), expected(size, 20, 50);
  for (const bool choose : {false, true}) {
    EngineOptions options;
    options.precision = choose ? Precision::fp32 : Precision::int8;
    options.choose_precision = choose;
    options.portable = true;
    const auto fresh = make_cpu_engine(network, default_class_map(kClasses), options);
    fresh->set_backgrounds(expected.backgrounds);
    fresh->classify_composites(expected.tasks());
    int times = 0;
    bool done = false;
    for (int allowed = 0; !done; ++allowed) {
      const auto engine = make_cpu_engine(network, default_class_map(kClasses), options);
      engine->set_backgrounds(search.backgrounds);
      std::vector<const Mask*> masks;
      for (const Mask& mask : search.masks) masks.push_back(&mask);
      engine->prepare(masks);
      int asked = 0;
      try {
        engine->calibrate(search.tasks(), [&] { return asked++ >= allowed; });
        done = true;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::interrupted);
        ++times;
        engine->calibrate(search.tasks(), {});
      }
      engine->classify_composites(search.tasks());
      EXPECT_EQ(search.predictions, expected.predictions);
      if (HasFailure() || allowed > 3) break;
    }
    EXPECT_GE(times, 2);
  }
}

}  // namespace
}  // namespace backdrop
