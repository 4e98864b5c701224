// Below fp32 by plain loops, which every machine has: the layers, the recheck and the audit.
#include <gtest/gtest.h>

#include <numeric>

#include "backdrop/error.h"
#include "engine/engine.h"
#include "engine/recheck.h"
#include "engine/screened_runner.h"
#include "engine/stored_values.h"
#include "models/build.h"
#include "tests/engine/random_network.h"
#include "tests/models/synthetic.h"

namespace backdrop {
namespace {

using test::kClasses;

// Every foreground on every background, with room for the answers.
struct Search {
  std::vector<Image> foregrounds;
  std::vector<Mask> masks;
  std::shared_ptr<std::vector<Image>> backgrounds = std::make_shared<std::vector<Image>>();
  std::vector<int> all;
  std::vector<std::vector<std::int16_t>> predictions;
  std::vector<std::vector<float>> margins, logits;

  Search(int size, int count, unsigned seed) : all(count) {
    std::iota(all.begin(), all.end(), 0);
    for (int b = 0; b < count; ++b) backgrounds->push_back(test::random_image(size, seed * 1000 + b));
    for (const std::string& name : test::mask_names()) {
      foregrounds.push_back(
          test::random_image(size, seed * 1000 + 500 + static_cast<unsigned>(masks.size())));
      masks.push_back(test::make_mask(name, size, seed));
      predictions.emplace_back(count, -7);
      margins.emplace_back(count, NAN);
      logits.emplace_back(std::size_t(count) * kClasses, NAN);
    }
  }

  std::vector<CompositeTask> tasks() {
    std::vector<CompositeTask> result;
    for (std::size_t f = 0; f < masks.size(); ++f)
      result.push_back({&foregrounds[f], &masks[f], static_cast<int>(f) % kClasses, all,
                        predictions[f].data(), margins[f].data(), logits[f].data()});
    return result;
  }
};

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
    EXPECT_EQ(screened.report().bf16_sums, coarse);
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

TEST(Screening, LeadsAndTheirErrors) {
  const std::vector<float> fast{1, 4, 3};
  EXPECT_EQ(lead(fast), 1);
  EXPECT_EQ(lead(std::vector<float>{2, 2}), 0);
  EXPECT_TRUE(std::isnan(lead(std::vector<float>{1, NAN, 0})));
  // The same shift of all logits is no error.
  EXPECT_EQ(lead_error(fast, std::vector<float>{2, 5, 4}), 0);
  EXPECT_EQ(lead_error(fast, std::vector<float>{1, 4, 4.5f}), 1.5f);
  EXPECT_EQ(lead_error(fast, std::vector<float>{0, 9, 2}), 0);  // the fast lead falls short
  EXPECT_EQ(lead_error(std::vector<float>{1, INFINITY}, std::vector<float>{1, 2}), INFINITY);
  EXPECT_TRUE(needs_recheck(0.5f, 0.5f));
  EXPECT_FALSE(needs_recheck(0.6f, 0.5f));
  EXPECT_TRUE(needs_recheck(NAN, 0.5f));
  EXPECT_TRUE(needs_recheck(INFINITY, 0.5f));
}

TEST(Screening, BoundsAreOfTheForegroundsClass) {
  ErrorBounds bounds;
  EXPECT_EQ(bounds.of(0), INFINITY);
  for (const float error : {0.5f, 0.1f, 0.2f}) bounds.add(0, error);
  for (int i = 0; i < 60; ++i) bounds.add(1, 0.3f);
  bounds.add(2, 3.0f);
  bounds.finish();
  EXPECT_EQ(bounds.of(0), kRecheckSafety * 0.5f);
  EXPECT_EQ(bounds.of(2), kRecheckSafety * 3.0f);
  EXPECT_EQ(bounds.of(1), kRecheckSafety * 0.3f);
  EXPECT_EQ(bounds.of(3), kRecheckSafety * 3.0f);
  ASSERT_EQ(bounds.classes().size(), 3u);
  EXPECT_EQ(bounds.classes()[0].quantile, 0.2f);
  EXPECT_EQ(bounds.classes()[0].maximum, 0.5f);
}

TEST(Screening, AnotherDevicesBoundsOnlyWiden) {
  ErrorBounds bounds;
  ErrorBounds others;
  for (int i = 0; i < 60; ++i)
    for (const int label : {0, 1}) {
      bounds.add(label, label == 0 ? 0.3f : 0.1f);
      others.add(label, label == 0 ? 0.2f : 0.4f);
    }
  bounds.finish();
  others.finish();
  const float first = bounds.of(0);
  bounds.widen(others.classes());
  EXPECT_EQ(bounds.of(0), std::max(first, others.of(0)));
  EXPECT_EQ(bounds.of(1), others.of(1));
  EXPECT_EQ(bounds.of(2), others.of(1));  // not sampled
  EXPECT_EQ(bounds.classes()[0].maximum, 0.3f);
  EXPECT_EQ(bounds.classes()[1].maximum, 0.4f);
  EXPECT_EQ(bounds.classes()[1].quantile, 0.4f);
  EXPECT_EQ(bounds.classes()[1].sample, 60u);
}

TEST(Screening, ALargerRunHasALargerSampleAndANarrowerFactor) {
  const Image photo = test::random_image(8, 1);
  const Mask mask = test::make_mask("disc", 8, 1);
  std::vector<int> backgrounds(1000);
  std::iota(backgrounds.begin(), backgrounds.end(), 0);
  float earlier = kRecheckSafety;
  for (const std::size_t foregrounds : {4, 90, 360, 3600}) {
    std::vector<CompositeTask> run;
    for (std::size_t f = 0; f < foregrounds; ++f)
      run.push_back({&photo, &mask, static_cast<int>(f % 9), backgrounds});
    const CompositeSample sample = draw_sample(run);
    const std::size_t of_class = std::clamp(foregrounds * 1000 / 64 / 72, std::size_t{4}, std::size_t{64});
    EXPECT_EQ(sample.tasks.size(), std::min(9 * of_class, foregrounds));
    EXPECT_EQ(sample.size(), 8 * sample.tasks.size());
    ErrorBounds bounds;
    for (const CompositeTask& task : sample.tasks)
      for (std::size_t b = 0; b < task.backgrounds.size(); ++b) bounds.add(task.label, 0.25f);
    bounds.finish();
    EXPECT_LE(bounds.safety(), earlier);
    earlier = bounds.safety();
    EXPECT_EQ(bounds.of(0), 0.25f * bounds.safety());
  }
  EXPECT_EQ(earlier, kLeastSafety);
}

TEST(Screening, TheBoundOnWrongAnswers) {
  EXPECT_EQ(wrong_share_bound(0, 0), 1);
  EXPECT_NEAR(wrong_share_bound(0, 100), 1 - std::pow(0.05, 0.01), 1e-9);
  EXPECT_NEAR(wrong_share_bound(1, 100), 0.04656, 1e-4);  // Clopper and Pearson's, from tables
  EXPECT_EQ(wrong_share_bound(5, 5), 1);
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

TEST(Screening, TheAuditDrawsItsShare) {
  Search search(16, 2, 1);
  const auto tasks = search.tasks();
  for (const std::uint64_t one_in : {64u, 250u}) {
    int audited = 0;
    for (const CompositeTask& task : tasks)
      for (int b = 0; b < 3200; ++b)
        if (is_audited(fingerprint(task), b, one_in)) ++audited;
    EXPECT_NEAR(audited, 32000.0 / static_cast<double>(one_in),
                4 * std::sqrt(32000.0 / static_cast<double>(one_in)));
  }
}

TEST(Screening, LargeRunsAuditASmallerShare) {
  Search search(16, 2, 1);
  CompositeTask task = search.tasks()[0];
  const auto one_in = [&](std::size_t foregrounds, std::size_t backgrounds) {
    const std::vector<int> all(backgrounds);
    task.backgrounds = all;
    return draw_sample(std::vector<CompositeTask>(foregrounds, task)).audit_one_in;
  };
  EXPECT_EQ(one_in(1, 1), 64u);
  EXPECT_EQ(one_in(1024, 4096), 64u);
  EXPECT_EQ(one_in(4050, 4050), 250u);
}

// Who is asked about what. The composite on background b leads by b in the first precision and by b * 1.5 in
// the second, and all errors are 8 in the first, 1 in the second.
TEST(Screening, ASecondPrecisionIsAskedFirstAboutWhatIsClose) {
  constexpr int kCount = 400;
  Search search(16, kCount, 1);
  const std::vector<CompositeTask> tasks = search.tasks();
  Screening screening(Precision::int8, Precision::fp16);
  const CompositeSample sample = draw_sample(tasks);
  const auto logits = [&](float lead) {
    SampleLogits all(sample, kClasses);
    for (std::size_t t = 0; t < sample.tasks.size(); ++t)
      for (std::size_t i = 0; i < sample.tasks[t].backgrounds.size(); ++i) all.at(t, i)[0] = lead;
    return all;
  };
  screening.measure(sample, logits(18), logits(10));
  screening.measure_second(sample, logits(11), logits(10));
  const float bound = 8 * screening.report().safety, second_bound = bound / 8;
  EXPECT_EQ(screening.bound_of(0), bound);

  Screening::Call call(screening, tasks);
  std::int64_t close = 0;
  for (std::size_t t = 0; t < tasks.size(); ++t)
    for (std::size_t place = 0; place < kCount; ++place) {
      const Screening::Verdict verdict = call.judge(t, place, static_cast<float>(place));
      EXPECT_EQ(verdict == Screening::Verdict::close, static_cast<float>(place) <= bound);
      if (verdict == Screening::Verdict::stands) continue;
      if (verdict == Screening::Verdict::close) ++close;
      call.note({t, place, verdict == Screening::Verdict::audited ? 3 : -1});
    }
  std::int64_t in_fp32 = 0, close_in_fp16 = 0, audited = 0;
  screening.make_again(tasks, call.take(), kClasses,
                       {[&](std::span<const CompositeTask> again) {
                          for (const CompositeTask& task : again)
                            for (std::size_t i = 0; i < task.backgrounds.size(); ++i) {
                              ++in_fp32;
                              task.predictions[i] = 3;
                              task.margins[i] = 32;
                            }
                        },
                        [&](std::span<const CompositeTask> again, const Screening::Call& judge) {
                          for (std::size_t t = 0; t < again.size(); ++t)
                            for (std::size_t i = 0; i < again[t].backgrounds.size(); ++i) {
                              const float lead = 1.5f * static_cast<float>(again[t].backgrounds[i]);
                              EXPECT_LE(again[t].backgrounds[i], bound);
                              const Screening::Verdict verdict = judge.judge(t, i, lead);
                              if (verdict == Screening::Verdict::stands) {
                                again[t].predictions[i] = 3;
                                again[t].margins[i] = 16;
                                continue;
                              }
                              ++(verdict == Screening::Verdict::close ? close_in_fp16 : audited);
                              judge.note({t, i, verdict == Screening::Verdict::audited ? 3 : -1});
                            }
                        }});
  const ScreeningReport report = screening.report();
  EXPECT_EQ(report.composites, std::int64_t(tasks.size()) * kCount);
  EXPECT_EQ(report.second.value().precision, Precision::fp16);
  EXPECT_EQ(report.second->composites, close);
  EXPECT_EQ(report.second->errors[0].bound, second_bound);
  EXPECT_EQ(report.rechecked, close_in_fp16);
  EXPECT_EQ(report.rechecked + report.audited, in_fp32);
  EXPECT_GT(audited, 0);
  EXPECT_GT(report.audited, audited);
  EXPECT_EQ(report.wrong, 0);
  for (std::size_t f = 0; f < tasks.size(); ++f)
    for (std::size_t b = 0; b < kCount; ++b) {
      const auto lead = static_cast<float>(b);
      const bool stood = lead > bound && search.predictions[f][b] == -7;
      if (stood) continue;
      EXPECT_EQ(search.predictions[f][b], 3);
      const bool by_second = lead <= bound && 1.5f * lead > second_bound;
      EXPECT_TRUE(search.margins[f][b] == 32 || (by_second && search.margins[f][b] == 16)) << b;
    }
}

TEST(Screening, PartsOfARunHaveOneAccount) {
  ScreeningReport one;
  one.precision = Precision::int8;
  one.errors = {{0, 8, 1, 2, 4}, {2, 8, 1, 2, 4}};
  one.set_counts(100, {.second = 0, .rechecked = 20, .audited = 30});
  ScreeningReport other = one;
  other.bf16_sums = true;
  other.errors = {{1, 8, 3, 3, 6}, {2, 4, 0.5f, 3, 6}};
  other.set_counts(50, {.second = 0, .rechecked = 5, .audited = 10});
  const ScreeningReport sum = sum_of(std::array{one, other});
  EXPECT_EQ(sum.composites, 150);
  EXPECT_EQ(sum.counts(), (ScreeningCounts{.second = 0, .rechecked = 25, .audited = 40}));
  EXPECT_EQ(sum.wrong_share_bound, wrong_share_bound(0, 40));
  EXPECT_TRUE(sum.bf16_sums);
  ASSERT_EQ(sum.errors.size(), 3u);
  EXPECT_EQ(sum.errors[1].bound, 6);
  EXPECT_EQ(sum.errors[2].label, 2);
  EXPECT_EQ(sum.errors[2].sample, 12u);
  EXPECT_EQ(sum.errors[2].quantile, 1);
  EXPECT_EQ(sum.errors[2].maximum, 3);
}

TEST(Screening, AWrongAnswerOfTheSecondPrecisionIsFound) {
  Search search(16, 400, 1);
  const std::vector<CompositeTask> tasks = search.tasks();
  Screening screening(Precision::fp8, Precision::fp16);
  const CompositeSample sample = draw_sample(tasks);
  const SampleLogits zeros(sample, kClasses);
  screening.measure(sample, zeros, zeros);
  screening.measure_second(sample, zeros, zeros);
  Screening::Call call(screening, tasks);
  for (std::size_t t = 0; t < tasks.size(); ++t)
    for (std::size_t place = 0; place < 400; ++place) call.note({t, place, -1});
  const auto exact = [](std::span<const CompositeTask> again) {
    for (const CompositeTask& task : again) std::fill_n(task.predictions, task.backgrounds.size(), 3);
  };
  const auto second = [](std::span<const CompositeTask> again, const Screening::Call& judge) {
    for (std::size_t t = 0; t < again.size(); ++t)
      for (std::size_t i = 0; i < again[t].backgrounds.size(); ++i)
        if (judge.judge(t, i, 1) == Screening::Verdict::audited) judge.note({t, i, 5});
  };
  try {
    screening.make_again(tasks, call.take(), kClasses, {exact, second});
    FAIL();
  } catch (const RefutedBounds& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_NE(std::string(error.what()).find("an answer in fp16 that is not fp32's"), std::string::npos);
  }
}

TEST(CalibrationText, ReadsBackAndRefusesDamage) {
  const auto network = test::random_plain_network(16, 3);
  Search search(16, 3, 3);
  ThreadPool pool(2);
  const Calibration calibration = calibration_of(network, search, pool);
  const std::string text = calibration_text(calibration);
  EXPECT_EQ(read_calibration(text, *network, "file"), calibration);
  for (const std::string& damaged : {text + " 1 0", text.substr(0, text.rfind(' ')), "x" + text,
                                     "-1 0" + text.substr(text.find(' ', text.find(' ') + 1)), std::string()})
    EXPECT_THROW(read_calibration(damaged, *network, "file"), Error) << damaged;
}

}  // namespace
}  // namespace backdrop
