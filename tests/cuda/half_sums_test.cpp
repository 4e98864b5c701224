// int8 with the sums of residual blocks in fp16 (engine/stored_values.h) on the GPU engine over the emulated
// runtime, against the CPU engine's plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backdrop/error.h"
#include "engine/cuda_dense.h"
#include "engine/cuda_reuse.h"
#include "engine/position_sets.h"
#include "engine/profile_report.h"
#include "engine/stored_values.h"
#include "tests/conformance/reuse_scene.h"
#include "tests/cuda/emulated_cuda.h"

namespace backdrop {
namespace {

using test::kBackgrounds;
using test::kClasses;

constexpr int kSide = 15;
constexpr unsigned kNetworkSeed = 6;

// Of the largest logit; not a number where one is not.
double error_of(const test::Scene& actual, const test::Scene& expected) {
  double sum = 0;
  double largest = 0;
  for (std::size_t f = 0; f < actual.logits.size(); ++f)
    for (std::size_t i = 0; i < actual.logits[f].size(); ++i) {
      const double error = std::abs(actual.logits[f][i] - expected.logits[f][i]);
      largest = std::max(largest, error);
      sum += error;
    }
  return std::isfinite(sum) ? largest / expected.largest_logit() : sum;
}

class HalfSums : public ::testing::Test {
 protected:
  void SetUp() override {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
  }

  static test::Scene plain(const std::shared_ptr<const Network>& network) {
    return test::plain_scene(network, kSide, kBackgrounds, kClasses, kNetworkSeed);
  }

  // Scales so coarse for sums that too many decisions are close in bytes.
  static EngineOptions coarse(const std::shared_ptr<const Network>& network) {
    const test::Scene scene(kSide, kBackgrounds, kClasses, kNetworkSeed);
    ThreadPool pool(1);
    EngineOptions options;
    options.precision = Precision::int8;
    options.calibration = calibrate(
        network,
        std::vector<CompositePhotos>{{&scene.foregrounds[0], &scene.masks[0], &scene.backgrounds->front()}},
        pool);
    const std::vector<Precision> forms = stored_values(*network, Precision::int8, true, Precision::fp16);
    for (std::size_t v = 0; v < forms.size(); ++v)
      if (forms[v] == Precision::fp16) options.calibration->values[v].scale *= 20;
    return options;
  }

  static Calibration scales_of(const std::shared_ptr<const Network>& network, const test::Scene& scene) {
    std::vector<CompositePhotos> photos;
    for (std::size_t f = 0; f < scene.masks.size(); ++f)
      for (const Image& background : *scene.backgrounds)
        photos.push_back({&scene.foregrounds[f], &scene.masks[f], &background});
    ThreadPool pool(1);
    return calibrate(network, photos, pool);
  }

  // The errors with every hand-off, and of whole images.
  static std::vector<double> errors(const std::shared_ptr<const Network>& network,
                                    const test::Scene& expected, const Calibration& calibration,
                                    bool half_sums) {
    std::vector<std::int32_t> in9(kClasses);
    std::iota(in9.begin(), in9.end(), 0);
    CudaLayers layers(*network, Precision::int8);
    layers.set_calibration(*network, calibration, half_sums);
    EXPECT_EQ(layers.form(0), half_sums ? Precision::fp16 : Precision::int8);
    const CudaPhotos photos = upload_photos(*expected.backgrounds);
    PlanFolder nowhere({}, {}, false, {});
    std::vector<double> errors;
    for (int hand_off = 0; hand_off < layers.position_layers(); ++hand_off) {
      test::Scene actual(kSide, kBackgrounds, kClasses, kNetworkSeed);
      CudaDenseLayers whole(layers, 3, {}, nowhere);
      CudaReuse reuse(whole, photos, in9.data(), {hand_off, std::size_t{1} << 28});
      test::run_alone(reuse, actual);
      errors.push_back(error_of(actual, expected));
    }
    test::Scene dense(kSide, kBackgrounds, kClasses, kNetworkSeed);
    CudaDense path(layers, in9.data(), 3, {}, nowhere);
    path.run(dense.tasks(), photos,
             [&](std::size_t task, std::size_t place, const auto&, const float* logits) {
               std::copy_n(logits, kClasses, dense.logits[task].data() + place * kClasses);
             });
    errors.push_back(error_of(dense, expected));
    return errors;
  }
};

TEST_F(HalfSums, HaveLessThanHalfOfTheErrorOfBytes) {
  const auto network = test::random_residual_network(kSide, kNetworkSeed);
  const test::Scene expected = plain(network);
  const Calibration calibration = scales_of(network, expected);
  const std::vector<double> bytes = errors(network, expected, calibration, false);
  for (const double error : errors(network, expected, calibration, true))
    EXPECT_LT(error, *std::max_element(bytes.begin(), bytes.end()) / 2);
}

TEST_F(HalfSums, AreThoseOfAnyBlocks) {
  for (const auto& network : test::unusual_residual_networks(kSide)) {
    const test::Scene expected = plain(network);
    const Calibration calibration = scales_of(network, expected);
    for (const double error : errors(network, expected, calibration, true)) EXPECT_LT(error, 0.04);
  }
}

TEST_F(HalfSums, AreTakenWhereBytesAreTooCoarse) {
  for (const auto& network : {test::random_residual_network(kSide, kNetworkSeed),
                              test::random_plain_network(kSide, kNetworkSeed)}) {
    test::Scene actual(kSide, kBackgrounds, kClasses, kNetworkSeed);
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), coarse(network));
    actual.run(*engine);
    EXPECT_EQ(engine->description().find("int8 with sums in fp16") != std::string::npos, has_sums(*network));
    EXPECT_EQ(engine->screening().value().sums.has_value(), has_sums(*network));
    EXPECT_EQ(actual.predictions, plain(network).predictions);

    EngineOptions options = coarse(network);
    options.gpu_without.add(GpuWay::sums);
    test::Scene in_bytes(kSide, kBackgrounds, kClasses, kNetworkSeed);
    const auto without = make_cuda_engine(network, default_class_map(kClasses), options);
    in_bytes.run(*without);
    EXPECT_FALSE(without->screening().value().sums.has_value());
    EXPECT_EQ(in_bytes.predictions, actual.predictions);
  }
}

// There an fp16 sum might overflow.
TEST_F(HalfSums, AreNotTakenForHugeRanges) {
  const auto network = test::random_residual_network(kSide, kNetworkSeed);
  test::Scene actual(kSide, kBackgrounds, kClasses, kNetworkSeed);
  EngineOptions options = coarse(network);
  for (kernels::ValueScale& value : options.calibration->values) value.scale *= 1e4f;
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
  actual.run(*engine);
  EXPECT_FALSE(engine->screening().value().sums.has_value());
}

// On other photos bytes may do.
TEST_F(HalfSums, AreChosenAnewWithTheBounds) {
  const auto network = test::random_residual_network(kSide, kNetworkSeed);
  const EngineOptions options = coarse(network);
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
  std::vector<bool> taken;
  for (const unsigned seed : {kNetworkSeed, kNetworkSeed + 1, kNetworkSeed}) {
    SCOPED_TRACE(seed);
    const auto fresh = make_cuda_engine(network, default_class_map(kClasses), options);
    test::Scene actual(kSide, kBackgrounds, kClasses, seed), expected = actual;
    actual.run(*engine);
    expected.run(*fresh);
    EXPECT_EQ(engine->screening()->sums, fresh->screening()->sums);
    EXPECT_EQ(engine->screening()->errors[0].bound, fresh->screening()->errors[0].bound);
    taken.push_back(engine->screening()->sums.has_value());
  }
  EXPECT_EQ(taken, (std::vector{true, false, true}));
}

// While they are tried, the memory runs out: bytes are taken again if these still fit, and otherwise the next
// call begins anew.
TEST_F(HalfSums, AreLeftWhereTheMemoryIsShort) {
  const auto network = test::random_residual_network(kSide, kNetworkSeed);
  const test::Scene expected = plain(network);
  for (const bool reuse : {true, false}) {
    int fit = 0;
    int do_not = 0;
    for (const double share : {1.02, 0.9, 0.75, 0.5}) {
      SCOPED_TRACE(::testing::Message() << "reuse " << reuse << ", share " << share);
      EngineOptions options = coarse(network);
      options.batch = 64;
      options.reuse = reuse;
      options.cache_memory = std::size_t{1} << 20;
      const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
      test::Scene actual(kSide, kBackgrounds, kClasses, kNetworkSeed);
      engine->set_backgrounds(actual.backgrounds);
      int asked = 0;
      const auto shorten_memory = [&] {
        if (++asked == 4)  // behind fp32, bytes and fp16
          test::limit_device_memory(static_cast<std::size_t>(share * test::device_memory_in_use()));
        return false;
      };
      try {
        engine->calibrate(actual.tasks(), shorten_memory);
        EXPECT_FALSE(engine->screening()->sums.has_value());
        ++fit;
      } catch (const Error&) {
        ++do_not;
      }
      EXPECT_EQ(asked, 4);
      test::limit_device_memory(std::size_t{1} << 30);
      engine->classify_composites(actual.tasks());
      EXPECT_EQ(actual.predictions, expected.predictions);
      EXPECT_FALSE(engine->screening()->second->errors.empty());
    }
    EXPECT_GT(fit, 0);
    EXPECT_GT(do_not, 0);
  }
}

TEST_F(HalfSums, StoppedBeforeTheyAreTriedTheNextCallBeginsAnew) {
  const auto network = test::random_residual_network(kSide, kNetworkSeed);
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), coarse(network));
  test::Scene actual(kSide, kBackgrounds, kClasses, kNetworkSeed);
  engine->set_backgrounds(actual.backgrounds);
  int asked = 0;
  EXPECT_THROW(engine->calibrate(actual.tasks(), [&] { return ++asked == 4; }), Error);
  engine->classify_composites(actual.tasks());
  EXPECT_EQ(engine->screening()->sums, Precision::fp16);
  EXPECT_FALSE(engine->screening()->second->errors.empty());
  EXPECT_EQ(actual.predictions, plain(network).predictions);
}

TEST_F(HalfSums, AProfileSaysWhatEachLayerMultiplies) {
  const auto network = test::random_residual_network(kSide, kNetworkSeed);
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), coarse(network));
  test::Scene scene(kSide, kBackgrounds, kClasses, kNetworkSeed);
  const SearchTimes times =
      ProfiledSearch(*engine, *network, scene.tasks(), scene.backgrounds, MachinePeak()).run();
  const std::vector<Precision> forms = stored_values(*network, Precision::int8, true, Precision::fp16);
  int in_bytes = 0;
  for (int i = 0; i < first_fully_connected(*network); ++i) {
    EXPECT_EQ(times.layers[i].products, forms[network->layers[i].input]) << i;
    in_bytes += times.layers[i].products == Precision::int8;
  }
  EXPECT_GT(in_bytes, 0);
  EXPECT_NE(times.engine.find("int8 with sums in fp16"), std::string::npos);
}

}  // namespace
}  // namespace backdrop
