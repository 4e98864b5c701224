// The GPU engine over the emulated runtime against the CPU engine's plain loops.
#include <gtest/gtest.h>

#include "backdrop/error.h"
#include "engine/cuda_device.h"
#include "engine/cuda_memory.h"
#include "engine/cuda_products.h"
#include "engine/cuda_reuse.h"
#include "engine/cuda_stream.h"
#include "engine/decision_writer.h"
#include "engine/reduced_network.h"
#include "engine/reuse_runner.h"
#include "tests/conformance/reuse_scene.h"
#include "tests/cuda/emulated_cuda.h"

namespace backdrop {
namespace {

using test::kBackgrounds;
using test::kClasses;

class EmulatedEngine : public ::testing::Test {
 protected:
  void SetUp() override {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
  }
};

void expect_equal(const test::Scene& actual, const test::Scene& expected, float tolerance) {
  test::expect_logits(actual, expected, tolerance);
  const float allowed = 2 * tolerance * expected.largest_logit();
  for (std::size_t f = 0; f < expected.margins.size(); ++f)
    for (std::size_t i = 0; i < expected.margins[f].size(); ++i)
      ASSERT_LE(std::abs(actual.margins[f][i] - expected.margins[f][i]), allowed) << test::mask_names()[f];
}

std::shared_ptr<const Network> network_of(int size, unsigned seed) {
  return seed % 2 == 0 ? test::random_residual_network(size, seed) : test::random_plain_network(size, seed);
}

TEST_F(EmulatedEngine, Fp32EqualsTheReferenceWithAndWithoutReuse) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    const int size = 13 + static_cast<int>(seed);
    const auto network = network_of(size, seed);
    const test::Scene expected = test::plain_scene(network, size, kBackgrounds, kClasses, seed);
    for (const bool reuse : {true, false}) {
      SCOPED_TRACE(::testing::Message() << "seed " << seed << ", reuse " << reuse);
      EngineOptions options;
      options.reuse = reuse;
      options.batch = 1 + static_cast<int>(seed % 4) * 3;
      test::Scene actual(size, kBackgrounds, kClasses, seed);
      const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
      actual.run(*engine);
      expect_equal(actual, expected, 1e-4f);
      EXPECT_EQ(actual.predictions, expected.predictions);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(test::device_memory_in_use(), 0u);
}

TEST_F(EmulatedEngine, EveryHandOffGivesTheSameLogitsAndCountsItsMultiplyAdds) {
  for (const unsigned seed : {1u, 2u}) {
    const int size = 15;
    const auto network = network_of(size, seed);
    const test::Scene expected = test::plain_scene(network, size, kBackgrounds, kClasses, seed);
    const CudaLayers layers(*network, Precision::fp32);
    const CudaPhotos photos = upload_photos(*expected.backgrounds);
    std::vector<std::int32_t> in9(kClasses);
    std::iota(in9.begin(), in9.end(), 0);
    for (int hand_off = 0; hand_off < layers.position_layers(); ++hand_off) {
      for (const std::size_t memory : {std::size_t{1}, std::size_t{1} << 28}) {
        SCOPED_TRACE(::testing::Message() << "seed " << seed << ", hand-off " << hand_off << ", " << memory);
        test::Scene actual(size, kBackgrounds, kClasses, seed);
        PlanFolder nowhere({}, {}, false, {});
        CudaDenseLayers whole(layers, 3, {}, nowhere);
        CudaReuse reuse(whole, photos, in9.data(), {hand_off, memory});
        test::run_alone(reuse, actual);
        expect_equal(actual, expected, 1e-4f);
        std::int64_t multiply_adds = 0;
        for (std::size_t f = 0; f < actual.masks.size(); ++f) {
          const PositionSets sets = find_position_sets(*network, actual.masks[f], hand_off);
          for (int i = 0; i < layers.position_layers(); ++i)
            multiply_adds +=
                cost_of_layer(*network, sets, i).multiply_adds * std::int64_t(actual.chosen[f].size());
        }
        EXPECT_EQ(reuse.multiply_adds(), multiply_adds);
        if (memory > 1) {
          EXPECT_EQ(reuse.cache().fills(), kBackgrounds);
        }
        if (HasFatalFailure()) return;
      }
    }
  }
}

// How far logits may be from fp32's, over the largest.
float tolerance_of(Precision precision) {
  if (needs_calibration(precision)) return 0.5f;
  return precision == Precision::fp16 ? 5e-3f : 5e-2f;
}

TEST_F(EmulatedEngine, LowPrecisionPublishesFp32sPredictions) {
  for (const unsigned seed : {4u, 5u}) {
    const auto network = network_of(13, seed);
    const test::Scene expected = test::plain_scene(network, 13, kBackgrounds, kClasses, seed);
    for (const Precision precision : {Precision::fp16, Precision::bf16, Precision::int8, Precision::fp8}) {
      for (const bool reuse : {true, false}) {
        SCOPED_TRACE(::testing::Message() << name(precision) << ", seed " << seed << ", reuse " << reuse);
        EngineOptions options;
        options.precision = precision;
        options.reuse = reuse;
        options.batch = 5;
        options.threads = 1;
        test::Scene actual(13, kBackgrounds, kClasses, seed);
        const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
        actual.run(*engine);
        expect_equal(actual, expected, tolerance_of(precision));
        EXPECT_EQ(actual.predictions, expected.predictions);
        const ScreeningReport report = engine->screening().value();
        std::int64_t composites = 0;
        for (const auto& chosen : actual.chosen) composites += static_cast<std::int64_t>(chosen.size());
        EXPECT_EQ(report.composites, composites);
        EXPECT_LT(report.rechecked + report.audited, composites);
        EXPECT_EQ(report.second.has_value(), element_bytes(precision) == 1);
        if (report.second) {
          EXPECT_EQ(report.second->precision, Precision::fp16);
          EXPECT_GT(report.second->composites, report.rechecked);
          EXPECT_LT(report.second->composites, composites);
          EXPECT_EQ(report.second->errors.size(), 9u);
        }
        EXPECT_EQ(report.wrong, 0);
        EXPECT_EQ(report.errors.size(), 9u);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The scene's tasks as the CPU computes them in 8 bits, by plain loops and without Winograd's method.
void run_int8_on_cpu(const std::shared_ptr<const Network>& network, const Calibration& calibration,
                     test::Scene& scene) {
  ThreadPool pool(1);
  const ReducedOptions options{Precision::int8, 3, true, calibration, false};
  ReuseRunner runner(std::make_unique<ReducedNetwork>(*network, options), {3, 0, std::size_t{1} << 30}, pool);
  runner.set_backgrounds(scene.backgrounds);
  runner.run(scene.tasks(), DecisionWriter(default_class_map(kClasses), kClasses));
}

Calibration scales_on_one_background(const std::shared_ptr<const Network>& network,
                                     const test::Scene& scene) {
  std::vector<CompositePhotos> photos;
  for (std::size_t f = 0; f < scene.masks.size(); ++f)
    photos.push_back({&scene.foregrounds[f], &scene.masks[f], &scene.backgrounds->front()});
  ThreadPool pool(1);
  return calibrate(network, photos, pool);
}

// The scene's logits by these layers alone.
test::Scene run_layers(const CudaLayers& layers, test::Scene scene, int hand_off, int batch) {
  const CudaPhotos photos = upload_photos(*scene.backgrounds);
  std::vector<std::int32_t> in9(kClasses);
  std::iota(in9.begin(), in9.end(), 0);
  PlanFolder nowhere({}, {}, false, {});
  CudaDenseLayers whole(layers, batch, {}, nowhere);
  CudaReuse reuse(whole, photos, in9.data(), {hand_off, std::size_t{1} << 28});
  test::run_alone(reuse, scene);
  return scene;
}

// The sum of the squared errors of all logits.
double squared_errors(const test::Scene& actual, const test::Scene& expected) {
  double sum = 0;
  for (std::size_t f = 0; f < actual.logits.size(); ++f)
    for (std::size_t i = 0; i < actual.logits[f].size(); ++i)
      sum += std::pow(actual.logits[f][i] - expected.logits[f][i], 2);
  return sum;
}

TEST_F(EmulatedEngine, Int8HasTheCpusLogitsWithEveryHandOff) {
  constexpr int kSize = 15;
  struct Case {
    std::shared_ptr<const Network> network;
    Precision tail;
    float tolerance;
  };
  // Whole numbers until the fully connected layers: in fp32 they differ in the order of sums, in bfloat16 by
  // its rounding.
  const Case cases[] = {{network_of(kSize, 1), Precision::bf16, 4e-3f},
                        {network_of(kSize, 6), Precision::bf16, 4e-3f},
                        {test::unusual_residual_networks(kSize)[1], Precision::fp32, 1e-5f}};
  for (const auto& [network, tail, tolerance] : cases) {
    test::Scene expected(kSize, kBackgrounds, kClasses, 1);
    const Calibration calibration = scales_on_one_background(network, expected);
    run_int8_on_cpu(network, calibration, expected);
    const test::Scene exact = test::plain_scene(network, kSize, kBackgrounds, kClasses, 1);
    CudaLayers layers(*network, Precision::int8);
    EXPECT_FALSE(layers.has_weights());
    layers.set_calibration(*network, calibration);
    EXPECT_EQ(layers.form(layers.position_layers()), tail);
    std::vector<std::vector<float>> first;
    for (int hand_off = 0; hand_off < layers.position_layers(); ++hand_off) {
      SCOPED_TRACE(::testing::Message() << "tail " << name(tail) << ", hand-off " << hand_off);
      layers.use(hand_off % 2 == 1 ? kernels::Products::warpgroups : kernels::Products::warps);
      const test::Scene actual =
          run_layers(layers, test::Scene(kSize, kBackgrounds, kClasses, 1), hand_off, 3);
      expect_equal(actual, expected, tolerance);
      EXPECT_LT(squared_errors(actual, exact), 1.2 * squared_errors(expected, exact));
      if (hand_off == 0) first = actual.logits;
      EXPECT_EQ(actual.logits, first);
      if (HasFatalFailure()) return;
    }
  }
}

// bfloat16 has fp32's range, so a factor that the next layer takes back changes no bit; fp16 would overflow.
TEST_F(EmulatedEngine, FullyConnectedLayersBeside8BitsHoldHugeAndTinyValues) {
  for (const Precision precision : {Precision::int8, Precision::fp8}) {
    for (const int size : {13, 14}) {
      SCOPED_TRACE(::testing::Message() << name(precision) << ", size " << size);
      const auto network = test::random_plain_network(size, 5);
      const test::Scene scene(size, kBackgrounds, kClasses, 5);
      const Calibration calibration = scales_on_one_background(network, scene);
      std::vector<std::vector<float>> expected;
      for (const float factor : {1.0f, 0x1p30f, 0x1p-30f}) {
        Network scaled = *network;
        Layer& hidden = scaled.layers[scaled.layers.size() - 2];
        ASSERT_EQ(hidden.kind, LayerKind::fully_connected);
        for (auto* values : {&hidden.weights, &hidden.bias})
          for (float& value : *values) value *= factor;
        for (float& value : scaled.layers.back().weights) value /= factor;
        CudaLayers layers(scaled, precision);
        layers.set_calibration(scaled, calibration);
        for (const int batch : {1, 4}) {
          const test::Scene actual = run_layers(layers, scene, 1, batch);
          if (expected.empty()) expected = actual.logits;
          EXPECT_EQ(actual.logits, expected) << "factor " << factor << ", batch " << batch;
        }
      }
    }
  }
}

TEST_F(EmulatedEngine, TheFastestPrecisionGivesTheSameAnswers) {
  const auto network = network_of(13, 4);
  const test::Scene expected = test::plain_scene(network, 13, kBackgrounds, kClasses, 4);
  for (const std::vector<int>& gpus : {std::vector<int>{0}, {0, 1}}) {
    test::show_devices(2);
    EngineOptions options;
    options.choose_precision = true;
    options.gpus = gpus;
    options.batch = 3;
    test::Scene actual(13, kBackgrounds, kClasses, 4);
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    actual.run(*engine);
    EXPECT_EQ(actual.predictions, expected.predictions);
    if (const auto report = engine->screening()) {
      std::int64_t composites = 0;
      for (const auto& chosen : actual.chosen) composites += static_cast<std::int64_t>(chosen.size());
      EXPECT_EQ(report->composites, composites) << "the part that was timed is counted";
    }
  }
  test::show_devices(1);
}

TEST_F(EmulatedEngine, FasterProductsAreChosenWhereTheyAreThereAndRight) {
  const auto network = network_of(13, 4);
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16}) {
    for (const int capability : {89, 90}) {
      for (const bool right : {true, false}) {
        test::show_devices(1, capability);
        test::break_other_products(!right);
        EngineOptions options;
        options.precision = precision;
        const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
        const bool has = capability == 90 && element_bytes(precision) == 2;
        EXPECT_EQ(engine->description().find("16 by wgmma") != std::string::npos, has && right)
            << engine->description();
        EXPECT_EQ(engine->description().find(capability == 90
                                                 ? "fp32 by wgmma of split tf32"
                                                 : "fp32 by mma.sync of split tf32") != std::string::npos,
                  precision == Precision::fp32 && right)
            << engine->description();
      }
    }
  }
  test::break_other_products(false);
}

// Theirs are not those of the convolutions beside them.
TEST_F(EmulatedEngine, FullyConnectedLayersProductsAreTriedThemselves) {
  std::shared_ptr<const Network> network;
  // Whose only convolution reads the photo, and is not tried.
  for (unsigned seed = 0; !network || network->layers[2].kind != LayerKind::fully_connected; ++seed)
    network = test::random_plain_network(13, seed);
  const test::Scene scene(13, kBackgrounds, kClasses, 1);
  for (const bool right : {true, false}) {
    test::break_other_products(!right);
    CudaLayers layers(*network, Precision::int8);
    layers.set_calibration(*network, scales_on_one_background(network, scene));
    PlanFolder nowhere({}, {}, false, {});
    choose_products(layers, open_cuda_device(0), {}, nowhere);
    for (const int index : {2, 3})
      EXPECT_EQ(layers.products(index), right ? kernels::Products::warpgroups : kernels::Products::warps);
  }
  test::break_other_products(false);
}

TEST_F(EmulatedEngine, ACalibrationThatIsGivenIsUsed) {
  const auto network = network_of(13, 4);
  EngineOptions options;
  options.precision = Precision::int8;
  options.threads = 1;
  test::Scene scene(13, kBackgrounds, kClasses, 4);
  ThreadPool pool(1);
  options.calibration =
      calibrate(network, {{{&scene.foregrounds[0], &scene.masks[0], &scene.backgrounds->front()}}}, pool);
  // Scales that are far too wide make everything close.
  for (auto& value : options.calibration->values) value.scale *= 1000.0f;
  for (const bool second : {true, false}) {
    if (!second) options.gpu_without.add(GpuWay::second);
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    scene.run(*engine);
    EXPECT_EQ(scene.predictions, test::plain_scene(network, 13, kBackgrounds, kClasses, 4).predictions);
    const ScreeningReport report = engine->screening().value();
    ASSERT_EQ(report.second.has_value(), second);
    EXPECT_GT(second ? report.second->composites : report.rechecked, report.composites * 3 / 4);
  }
}

TEST_F(EmulatedEngine, AnOlderDeviceSaysThatItHasNoFp8) {
  const auto network = network_of(13, 4);
  EngineOptions options;
  options.precision = Precision::fp8;
  for (const int capability : {80, 86, 89, 90}) {
    test::show_devices(1, capability);
    try {
      make_cuda_engine(network, default_class_map(kClasses), options);
      EXPECT_GE(capability, 89);
    } catch (const Error& error) {
      EXPECT_LT(capability, 89);
      EXPECT_EQ(error.code(), ErrorCode::no_device);
      EXPECT_NE(std::string(error.what()).find("needs 8.9: use --precision int8 or fp16"), std::string::npos);
    }
  }
}

// The sums of what changes are the sums of the whole, but for the order of floats.
TEST_F(EmulatedEngine, Fp8HasTheSameLogitsWithEveryHandOff) {
  const int size = 13;
  const auto network = network_of(size, 2);
  const test::Scene scene(size, kBackgrounds, kClasses, 2);
  CudaLayers layers(*network, Precision::fp8);
  layers.set_calibration(*network, scales_on_one_background(network, scene));
  const test::Scene first = run_layers(layers, scene, 0, 3);
  for (int hand_off = 1; hand_off < layers.position_layers(); ++hand_off) {
    SCOPED_TRACE(hand_off);
    // A sum that falls on the other side of a tie moves its element by one of eight steps.
    expect_equal(run_layers(layers, scene, hand_off, 3), first, 2e-2f);
    if (HasFatalFailure()) return;
  }
}

TEST_F(EmulatedEngine, HalvesTheCacheUntilItFits) {
  const auto network = network_of(15, 0);
  const test::Scene expected = test::plain_scene(network, 15, kBackgrounds, kClasses, 0);
  EngineOptions options;
  options.batch = 2;
  options.cache_memory = std::size_t{1} << 40;
  bool smaller = false;
  for (std::size_t limit = std::size_t{1} << 22; limit > 0 && !smaller; limit = limit * 3 / 4) {
    test::limit_device_memory(limit);
    test::Scene actual(15, kBackgrounds, kClasses, 0);
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    actual.run(*engine);
    expect_equal(actual, expected, 1e-4f);
    if (HasFatalFailure()) return;
    smaller = engine->tile() < kBackgrounds;
  }
  EXPECT_TRUE(smaller);
}

// And not for the part of the run that is in hand.
TEST_F(EmulatedEngine, OutOfMemoryItChoosesTheHandOffForTheWholeRun) {
  const auto network = network_of(15, 0);
  const test::Scene expected = test::plain_scene(network, 15, kBackgrounds, kClasses, 0);
  test::Scene actual(15, kBackgrounds, kClasses, 0);
  std::vector<std::string> complaints;
  EngineOptions options;
  options.batch = 2;
  options.cache_memory = std::size_t{1} << 40;
  options.complain = [&](const std::string& text) { complaints.push_back(text); };
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
  engine->set_backgrounds(actual.backgrounds);
  std::vector<const Mask*> masks;
  for (int i = 0; i < 1000; ++i)
    masks.push_back(&actual.masks[static_cast<std::size_t>(i) % actual.masks.size()]);
  engine->prepare(masks);
  EXPECT_GT(engine->hand_off(), 0);
  test::limit_device_memory(test::device_memory_in_use() + 4096);
  for (const CompositeTask& task : actual.tasks()) engine->classify_composites({&task, 1});
  ASSERT_FALSE(complaints.empty());
  EXPECT_EQ(complaints[0].find("GPU 0 is out of memory"), 0u) << complaints[0];
  EXPECT_LT(engine->tile(), kBackgrounds);
  EXPECT_GT(engine->hand_off(), 0);  // which it would be for a single foreground
  expect_equal(actual, expected, 1e-4f);
}

// Where a batch of them does not fit the memory.
TEST_F(EmulatedEngine, CachesFewerThanABatch) {
  constexpr int kSize = 9;
  constexpr int kMany = 70;
  const auto network = network_of(kSize, 0);
  const test::Scene expected = test::plain_scene(network, kSize, kMany, kClasses, 0);
  EngineOptions options;
  options.cache_memory = 1;
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
  test::Scene actual(kSize, kMany, kClasses, 0);
  actual.run(*engine);
  EXPECT_GT(engine->batch(), kMany);
  EXPECT_LT(engine->tile(), kMany);
  expect_equal(actual, expected, 1e-4f);
}

TEST_F(EmulatedEngine, OtherBackgroundsHaveScalesAndBoundsOfTheirOwn) {
  const auto network = network_of(13, 4);
  test::show_devices(2);
  for (const std::vector<int>& gpus : {std::vector{0}, std::vector{0, 1}}) {
    EngineOptions options;
    options.precision = Precision::int8;
    options.threads = 1;
    options.gpus = gpus;
    test::Scene first(13, kBackgrounds, kClasses, 4), second(13, kBackgrounds, kClasses, 5);
    test::Scene expected = second;
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    first.run(*engine);
    const float earlier = engine->screening()->errors[0].bound;
    second.run(*engine);
    const auto fresh = make_cuda_engine(network, default_class_map(kClasses), options);
    expected.run(*fresh);
    EXPECT_EQ(second.predictions, expected.predictions);
    EXPECT_EQ(second.logits, expected.logits);
    EXPECT_EQ(engine->screening()->errors[0].bound, fresh->screening()->errors[0].bound);
    EXPECT_NE(engine->screening()->errors[0].bound, earlier);
    EXPECT_EQ(engine->screening()->composites, fresh->screening()->composites);
  }
}

TEST_F(EmulatedEngine, PhotosAloneAndNoDevice) {
  const auto network = network_of(14, 1);
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), {});
  const auto cpu = make_cpu_engine(network, default_class_map(kClasses), {});
  const std::vector<Image> photos{test::random_image(14, 1), test::random_image(14, 2)};
  std::vector<float> actual(2 * kClasses);
  std::vector<float> expected(2 * kClasses);
  engine->classify_images(photos, actual.data());
  cpu->classify_images(photos, expected.data());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-3f);

  test::show_devices(0);
  try {
    make_cuda_engine(network, default_class_map(kClasses), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::no_device);
    EXPECT_THROW(find_gpus({0}), Error);
  }
}

// Each foreground's lists have a size of their own; freeing a block waits for all that the device does.
TEST_F(EmulatedEngine, WhatIsSentAgainHasRoomToGrow) {
  const CudaStream stream;
  Upload upload;
  const std::vector<std::byte> bytes(1000);
  upload.send(std::span(bytes).first(300), stream, "some");
  const std::byte* first = upload.data();
  upload.send(std::span(bytes).first(500), stream, "more");
  EXPECT_EQ(upload.data(), first);
  upload.send(bytes, stream, "many");
  EXPECT_GE(upload.bytes(), bytes.size());
}

}  // namespace
}  // namespace backdrop
