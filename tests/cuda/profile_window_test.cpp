// Where the GPU engine starts and stops a profiler, over the emulated runtime.
#include <gmock/gmock.h>

#include "engine/engine.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"

namespace backdrop {
namespace {

using test::kBackgrounds;
using test::kClasses;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ProfileWindows : public ::testing::Test {
 protected:
  ProfileWindows() {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
  }

  // The profiler's calls while the scene is searched in two calls, the second from task `cut` on.
  std::vector<std::string> calls(EngineOptions options, ProfileWindow window, std::size_t cut) {
    options.profile_window = window;
    options.threads = 1;
    {
      const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
      engine->set_backgrounds(scene.backgrounds);
      const auto tasks = scene.tasks();
      engine->calibrate(tasks, {});
      test::take_profiler_calls();
      engine->classify_composites(std::span(tasks).first(cut));
      engine->classify_composites(std::span(tasks).subspan(cut));
    }
    return test::take_profiler_calls();
  }

  // "GPU 0: WORD N", where N is how many composites the first `tasks` tasks have.
  std::string after(const std::string& word, std::size_t tasks) const {
    std::size_t composites = 0;
    for (std::size_t t = 0; t < tasks; ++t) composites += scene.chosen[t].size();
    return "GPU 0: " + word + " " + std::to_string(composites);
  }

  std::shared_ptr<const Network> network = test::random_residual_network(13, 4);
  test::Scene scene{13, kBackgrounds, kClasses, 4};
};

TEST_F(ProfileWindows, HoldsTheForegroundsAskedForAndNoOthers) {
  const std::size_t all = scene.masks.size();
  ASSERT_GE(all, 5u);
  for (const bool reuse : {true, false}) {
    SCOPED_TRACE(reuse);
    EngineOptions options;
    options.reuse = reuse;
    EXPECT_THAT(calls(options, {}, 2), IsEmpty());
    EXPECT_THAT(calls(options, {1, 1}, all), ElementsAre(after("start", 0), after("stop", 1)));
    EXPECT_THAT(calls(options, {2, 3}, all), ElementsAre(after("start", 1), after("stop", 4)));
    // Over the border of two calls, and where one ends.
    EXPECT_THAT(calls(options, {2, 3}, 3), ElementsAre(after("start", 1), after("stop", 4)));
    EXPECT_THAT(calls(options, {4, 1}, 3), ElementsAre(after("start", 3), after("stop", 4)));
    // A search that ends first.
    EXPECT_THAT(calls(options, {2, 1000}, 3), ElementsAre(after("start", 1), after("stop", all)));
    EXPECT_THAT(calls(options, {1000, 1}, 3), IsEmpty());
  }
}

TEST_F(ProfileWindows, ChangesNoAnswer) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    EngineOptions options;
    options.precision = precision;
    calls(options, {}, 3);
    const auto predictions = scene.predictions;
    const auto margins = scene.margins;
    EXPECT_EQ(calls(options, {2, 2}, 3).size(), 2u);
    EXPECT_EQ(scene.predictions, predictions);
    EXPECT_EQ(scene.margins, margins);
  }
}

}  // namespace
}  // namespace backdrop
