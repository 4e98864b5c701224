// Several emulated GPUs against one: the same answers to the bit, and no GPU touches another's memory.
#include <gmock/gmock.h>

#include <atomic>

#include "backdrop/error.h"
#include "engine/cuda_memory.h"
#include "engine/cuda_stream.h"
#include "engine/profile_report.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::kBackgrounds;
using test::kClasses;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr int kSize = 13;
constexpr unsigned kSeed = 4;
constexpr int kGpus = 3;

class SeveralGpus : public ::testing::Test {
 protected:
  void SetUp() override {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(kGpus);
    misplaced_before = test::misplaced_calls();
  }
  void TearDown() override {
    for (int i = 0; i < kGpus; ++i) test::break_device(i, -1);
    test::show_devices(1);
    EXPECT_EQ(test::misplaced_calls(), misplaced_before);
    EXPECT_EQ(test::device_memory_in_use(), 0u);
  }

  std::unique_ptr<Engine> open(std::vector<int> gpus, Precision precision, bool reuse = true) const {
    EngineOptions options;
    options.gpus = std::move(gpus);
    options.precision = precision;
    options.reuse = reuse;
    options.batch = 2;
    options.threads = 1;
    return make_cuda_engine(network, default_class_map(kClasses), options);
  }

  static test::Scene new_scene() { return {kSize, kBackgrounds, kClasses, kSeed}; }

  static std::vector<const Mask*> masks_of(const test::Scene& scene) {
    std::vector<const Mask*> masks;
    for (const Mask& mask : scene.masks) masks.push_back(&mask);
    return masks;
  }

  std::shared_ptr<const Network> network = test::random_residual_network(kSize, kSeed);
  int misplaced_before = 0;
};

void expect_same(const test::Scene& actual, const test::Scene& expected) {
  EXPECT_EQ(actual.predictions, expected.predictions);
  EXPECT_EQ(actual.margins, expected.margins);
  EXPECT_EQ(actual.logits, expected.logits);
}

void expect_same(const std::optional<ScreeningReport>& actual,
                 const std::optional<ScreeningReport>& expected) {
  ASSERT_EQ(actual.has_value(), expected.has_value());
  if (!actual) return;
  EXPECT_EQ(actual->composites, expected->composites);
  EXPECT_EQ(actual->rechecked, expected->rechecked);
  EXPECT_EQ(actual->audited, expected->audited);
  EXPECT_EQ(actual->wrong, expected->wrong);
  EXPECT_EQ(actual->wrong_share_bound, expected->wrong_share_bound);
  ASSERT_EQ(actual->errors.size(), expected->errors.size());
  for (std::size_t i = 0; i < actual->errors.size(); ++i) {
    EXPECT_EQ(actual->errors[i].sample, expected->errors[i].sample);
    EXPECT_EQ(actual->errors[i].bound, expected->errors[i].bound);
  }
  ASSERT_EQ(actual->second.has_value(), expected->second.has_value());
  if (!actual->second) return;
  EXPECT_EQ(actual->second->composites, expected->second->composites);
  for (std::size_t i = 0; i < actual->second->errors.size(); ++i)
    EXPECT_EQ(actual->second->errors[i].bound, expected->second->errors[i].bound);
}

TEST_F(SeveralGpus, AnothersMemoryAndEventsAreRefused) {
  cudaSetDevice(1);
  const DeviceBuffer buffer(64);
  CudaEvent event;
  const CudaStream stream;
  cudaSetDevice(0);
  const int value = 1;
  EXPECT_THROW(copy_to_device(buffer.data() + 8, &value, sizeof(value), "a number"), Error);
  EXPECT_THROW(event.record(nullptr), Error);
  EXPECT_THROW(event.record(stream), Error);
  EXPECT_EQ(test::misplaced_calls(), misplaced_before + 3);
  misplaced_before += 3;
  cudaSetDevice(1);
  copy_to_device(buffer.data() + 8, &value, sizeof(value), "a number");
  event.record(stream);
}

TEST_F(SeveralGpus, GiveOnesAnswers) {
  struct Case {
    Precision precision;
    bool reuse;
    std::vector<int> gpus;
  };
  const Case cases[] = {{Precision::fp32, true, {1, 2}},     {Precision::fp32, true, {2, 0, 1}},
                        {Precision::fp32, false, {0, 1, 2}}, {Precision::fp16, true, {2, 0, 1}},
                        {Precision::int8, false, {0, 1}},    {Precision::fp8, true, {0, 2}}};
  std::vector<int> before;
  for (int i = 0; i < kGpus; ++i) before.push_back(test::device_milliseconds(i));
  for (const auto& [precision, reuse, gpus] : cases) {
    SCOPED_TRACE(::testing::Message()
                 << name(precision) << ", reuse " << reuse << ", " << gpus.size() << " GPUs");
    test::Scene expected = new_scene();
    const auto one = open({0}, precision, reuse);
    expected.run(*one);
    test::Scene actual = new_scene();
    const auto several = open(gpus, precision, reuse);
    actual.run(*several);
    expect_same(actual, expected);
    expect_same(several->screening(), one->screening());
    EXPECT_EQ(several->tile(), one->tile());
    EXPECT_EQ(several->batch(), one->batch());
    EXPECT_EQ(several->threads(), static_cast<int>(gpus.size()));
    if (precision == Precision::fp32) {
      EXPECT_EQ(several->multiply_adds(), one->multiply_adds());
    }
  }
  for (int i = 0; i < kGpus; ++i) EXPECT_GT(test::device_milliseconds(i), before[i]) << "GPU " << i;
}

// As a search does: everything is known before, and the run comes in pieces.
TEST_F(SeveralGpus, ArePreparedAndCalibratedAsOneIs) {
  for (const Precision precision : {Precision::bf16, Precision::fp8}) {
    test::Scene scenes[2] = {new_scene(), new_scene()};
    std::optional<ScreeningReport> reports[2];
    for (const int several : {0, 1}) {
      test::Scene& scene = scenes[several];
      const auto engine = open(several ? std::vector{0, 2} : std::vector{0}, precision);
      const auto tasks = scene.tasks();
      engine->set_backgrounds(scene.backgrounds);
      engine->prepare(masks_of(scene));
      engine->calibrate(tasks, {});
      for (std::size_t first = 0; first < tasks.size(); first += 3)
        engine->classify_composites(
            std::span(tasks).subspan(first, std::min<std::size_t>(3, tasks.size() - first)));
      reports[several] = engine->screening();
    }
    SCOPED_TRACE(name(precision));
    expect_same(scenes[1], scenes[0]);
    expect_same(reports[1], reports[0]);
  }
}

TEST_F(SeveralGpus, ClassifyPhotos) {
  std::vector<Image> photos;
  for (unsigned i = 0; i < 9; ++i) photos.push_back(test::random_image(kSize, i));
  std::vector<float> expected(photos.size() * kClasses);
  std::vector<float> actual(expected.size());
  open({0}, Precision::fp32)->classify_images(photos, expected.data());
  open({0, 1, 2}, Precision::fp32)->classify_images(photos, actual.data());
  EXPECT_EQ(actual, expected);
}

TEST_F(SeveralGpus, AllOfTheMachinesGpus) {
  EXPECT_EQ(find_gpus({}), (std::vector{0, 1, 2}));
  EXPECT_EQ(open({}, Precision::fp32)->threads(), kGpus);
  test::show_devices(1);
  EXPECT_EQ(open({}, Precision::fp32)->threads(), 1);
}

TEST_F(SeveralGpus, OneThatIsMissing) {
  for (const std::vector<int>& gpus : {std::vector{0, 7}, std::vector{3, 1}}) {
    try {
      open(gpus, Precision::fp32);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_device);
      EXPECT_NE(std::string(error.what()).find("among the 3 of this machine"), std::string::npos)
          << error.what();
      EXPECT_THROW(find_gpus(gpus), Error);
    }
  }
  test::show_devices(0);
  EXPECT_THROW(find_gpus({}), Error);
}

TEST_F(SeveralGpus, OneThatFailsWhileItIsMeasured) {
  test::Scene scene = new_scene();
  const auto engine = open({0, 1}, Precision::fp16);
  engine->set_backgrounds(scene.backgrounds);
  engine->prepare(masks_of(scene));
  test::break_device(1, 5);
  try {
    engine->calibrate(scene.tasks(), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_NE(std::string(error.what()).find("CUDA on GPU 1: "), std::string::npos) << error.what();
  }
}

TEST_F(SeveralGpus, OneThatFailsEndsTheCallAndNothingElse) {
  test::Scene expected = new_scene();
  expected.run(*open({0}, Precision::fp32));
  const auto engine = open({0, 1, 2}, Precision::fp32);
  test::Scene scene = new_scene();
  engine->set_backgrounds(scene.backgrounds);
  engine->prepare(masks_of(scene));
  bool failed = false;
  // A call may be over before a GPU has asked for a part of it.
  for (int i = 0; i < 50 && !failed; ++i) {
    test::break_device(2, i % 7);
    try {
      engine->classify_composites(scene.tasks());
    } catch (const Error& error) {
      failed = true;
      EXPECT_NE(std::string(error.what()).find("CUDA on GPU 2: "), std::string::npos) << error.what();
    }
  }
  EXPECT_TRUE(failed);
  test::break_device(2, -1);
  test::Scene again = new_scene();
  engine->classify_composites(again.tasks());
  expect_same(again, expected);

  for (int i = 0; i < kGpus; ++i) test::break_device(i, 0);
  EXPECT_THROW(engine->classify_composites(again.tasks()), Error);
}

TEST_F(SeveralGpus, FindRoomWithSmallerCaches) {
  const auto larger = test::random_residual_network(15, 0);
  EngineOptions options;
  options.batch = 2;
  test::Scene expected(15, kBackgrounds, kClasses, 0);
  expected.run(*make_cuda_engine(larger, default_class_map(kClasses), options));
  options.gpus = {0, 1};
  options.cache_memory = std::size_t{1} << 40;
  bool smaller = false;
  // In small steps: how much a GPU needs besides the cache depends on which foregrounds come to it.
  for (std::size_t limit = std::size_t{1} << 22; limit > 0 && !smaller; limit = limit * 15 / 16) {
    test::limit_device_memory(limit);
    const auto engine = make_cuda_engine(larger, default_class_map(kClasses), options);
    test::Scene actual(15, kBackgrounds, kClasses, 0);
    actual.run(*engine);
    EXPECT_EQ(actual.predictions, expected.predictions);
    smaller = engine->tile() < kBackgrounds;
  }
  EXPECT_TRUE(smaller);
}

TEST_F(SeveralGpus, ShareAProfile) {
  std::vector<double> multiply_adds[2];
  for (const int several : {0, 1}) {
    test::Scene scene = new_scene();
    for (auto& chosen : scene.chosen) {
      chosen.resize(kBackgrounds);
      std::iota(chosen.begin(), chosen.end(), 0);
    }
    std::vector<CompositeTask> tasks = scene.tasks();
    for (CompositeTask& task : tasks) {
      task.predictions = nullptr;
      task.margins = nullptr;
      task.logits = nullptr;
    }
    const auto engine = open(several ? std::vector{0, 1} : std::vector{0}, Precision::fp32);
    const SearchTimes times = ProfiledSearch(*engine, *network, tasks, scene.backgrounds, {1e9, 1e9}).run();
    for (const LayerProfile& layer : times.layers) multiply_adds[several].push_back(layer.multiply_adds);
    EXPECT_GT(times.layer_seconds, 0);
  }
  EXPECT_EQ(multiply_adds[1], multiply_adds[0]);
}

TEST_F(SeveralGpus, TheFirstHasTheProfilersWindow) {
  test::Scene expected = new_scene();
  expected.run(*open({0}, Precision::fp32));
  EngineOptions options;
  options.gpus = {2, 0, 1};
  options.batch = 2;
  options.profile_window = {2, 1};
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
  test::take_profiler_calls();
  std::vector<std::string> calls;
  // The others may have done all before the first one asks for something.
  for (int i = 0; i < 50 && calls.size() < 2; ++i) {
    test::Scene actual = new_scene();
    actual.run(*engine);
    expect_same(actual, expected);
    for (const std::string& call : test::take_profiler_calls()) calls.push_back(call);
  }
  ASSERT_THAT(calls, SizeIs(2));
  EXPECT_THAT(calls[0], StartsWith("GPU 2: start "));
  EXPECT_THAT(calls[1], StartsWith("GPU 2: stop "));
}

TEST_F(SeveralGpus, KeepOnePlanForAll) {
  const testing::TemporaryFolder temporary;
  std::atomic<int> complaints = 0;
  EngineOptions options;
  options.reuse = false;
  options.batch = 2;
  options.plan_folder = temporary.path;
  options.complain = [&](const std::string&) { ++complaints; };
  const auto timings = [&](const std::vector<int>& gpus) {
    options.gpus = gpus;
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    test::take_timings();
    new_scene().run(*engine);
    return test::take_timings();
  };
  test::offer_cudnn(true);
  EXPECT_GT(timings({0, 1}), 0);
  EXPECT_EQ(timings({0, 1, 2}), 0);
  EXPECT_EQ(timings({2}), 0);
  EXPECT_EQ(complaints, 0);
  // Each complains where it cannot keep its own.
  options.plan_folder = temporary.path / "file" / "folder";
  testing::write_text(temporary.path / "file", "");
  EXPECT_GT(timings({0, 1}), 0);
  EXPECT_EQ(complaints, 2);
  test::offer_cudnn(false);
}

}  // namespace
}  // namespace backdrop
