// What the GPU engine keeps of its measurements and does with it at the next start, over the emulated
// runtime.
#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "tests/conformance/scene.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/small_resnet.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::kClasses;

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class KeptPlans : public ::testing::Test {
 protected:
  KeptPlans() {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
    options.reuse = false;
    options.threads = 1;
    options.plan_folder = temporary.path;
    options.complain = [this](const std::string& line) { complaints.push_back(line); };
  }
  ~KeptPlans() override {
    test::show_devices(1);
    test::offer_cudnn(false);
    test::break_other_products(false);
    test::break_cudnn(false);
  }

  // Searches on a new engine; leaves its description and how much it timed.
  std::vector<std::vector<float>> search() {
    test::take_timings();
    const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
    test::Scene scene(13, 5, kClasses, 4);
    scene.run(*engine);
    description = engine->description();
    timings = test::take_timings();
    return scene.logits;
  }

  // Changes every plan kept.
  void change(const std::function<void(nlohmann::json&)>& body) {
    for (const auto& entry : fs::directory_iterator(temporary.path)) {
      nlohmann::json json = nlohmann::json::parse(testing::read_text(entry.path()));
      body(json);
      testing::write_text(entry.path(), json.dump());
    }
  }

  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(temporary.path), fs::directory_iterator{}));
  }

  testing::TemporaryFolder temporary;
  EngineOptions options;
  std::shared_ptr<const Network> network = test::random_residual_network(13, 4);
  std::vector<std::string> complaints;
  std::string description;
  int timings = 0;
};

TEST_F(KeptPlans, NothingIsTimedTwice) {
  test::offer_cudnn(true);
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    options.precision = precision;
    const auto first = search();
    EXPECT_GT(timings, 0);
    const std::string described = description;
    EXPECT_THAT(described, HasSubstr(precision == Precision::fp32 ? "cuDNN 9.0.0 for" : "by wgmma"));
    const auto second = search();
    EXPECT_EQ(timings, 0);
    EXPECT_EQ(description, described);
    EXPECT_EQ(second, first);
  }
  EXPECT_EQ(files(), 5u);  // products and the dense path in two precisions, and fp32's for the second look
  EXPECT_THAT(complaints, SizeIs(0));
}

// Of the eleven convolutions six are different: a stem, the first bottleneck's four, and a second reduction.
TEST_F(KeptPlans, ConvolutionsThatAreAlikeAreTimedOnce) {
  test::offer_cudnn(true);
  options.gpu_without.add(GpuWay::bottlenecks);
  options.gpu_without.add(GpuWay::split);  // cuDNN is faster than the others
  options.batch = 1;
  network = test::small_resnet(13);
  test::take_cudnn_questions();
  const auto expected = search();
  // Ours, a way of cuDNN's that takes too long the first time, and two that run again.
  EXPECT_EQ(timings, 6 * (1 + 1 + 2 * 2));
  EXPECT_EQ(test::take_cudnn_questions(), 6);
  EXPECT_THAT(description, HasSubstr("cuDNN 9.0.0 for 11 of 11 convolutions"));
  EXPECT_EQ(search(), expected);
  EXPECT_EQ(timings, 0);
  EXPECT_EQ(test::take_cudnn_questions(), 6);
}

TEST_F(KeptPlans, AreMeasuredAnewOnDemandAndOnOtherDevices) {
  test::offer_cudnn(true);
  search();
  options.measure_anew = true;
  search();
  EXPECT_GT(timings, 0);
  options.measure_anew = false;
  options.batch = 3;
  search();
  EXPECT_GT(timings, 0);
  test::show_devices(1, 80);
  search();
  EXPECT_GT(timings, 0);
  search();
  EXPECT_EQ(timings, 0);
  test::offer_cudnn(false);
  search();
  EXPECT_THAT(description, HasSubstr("emulated"));
  options.plan_folder.clear();
  const std::size_t before = files();
  test::offer_cudnn(true);
  search();
  EXPECT_GT(timings, 0);
  EXPECT_EQ(files(), before);
}

TEST_F(KeptPlans, ThatCannotRunAreMeasuredAgain) {
  test::offer_cudnn(true);
  options.gpu_without.add(GpuWay::split);
  options.batch = 1;
  const auto expected = search();
  const std::string described = description;
  test::offer_cudnn(true, true);
  EXPECT_EQ(search(), expected);
  EXPECT_GT(timings, 0);
  test::offer_cudnn(true);
  const std::vector<std::function<void(nlohmann::json&)>> changes = {
      [](auto& json) { json["convolutions"][0][0] = 1000; },
      [](auto& json) { json["convolutions"][0][0] = json["convolutions"][1][0]; },
      [](auto& json) { json["convolutions"][0][1] = 4; },
      [](auto& json) { json["convolutions"][0][2] = 0; },
      [](auto& json) { json["convolutions"][0].push_back(1); },
      [](auto& json) {
        json["chains"].push_back({0, 1, 8, 50});
      },
      [](auto& json) {
        json["chains"].push_back({1, 1, 7, 50});
      },
      [](auto& json) { json = 7; },
  };
  for (const auto& body : changes) {
    change(body);
    EXPECT_EQ(search(), expected);
    EXPECT_EQ(description, described);
    EXPECT_GT(timings, 0);
    EXPECT_EQ(search(), expected);
    EXPECT_EQ(timings, 0);
  }
  // Another choice that can run is followed.
  change([](auto& json) { json["convolutions"].erase(0); });
  search();
  EXPECT_EQ(timings, 0);
  EXPECT_NE(description, described);
}

TEST_F(KeptPlans, SayWhichLayersMultiplyByClusters) {
  options.precision = Precision::bf16;
  const auto describe = [&] {
    test::take_timings();
    const auto engine = make_cuda_engine(test::wide_network(5), default_class_map(kClasses), options);
    timings = test::take_timings();
    return engine->description();
  };
  EXPECT_THAT(describe(), HasSubstr("by wgmma (clusters: 2)"));
  EXPECT_GT(timings, 0);
  EXPECT_THAT(describe(), HasSubstr("by wgmma (clusters: 2)"));
  EXPECT_EQ(timings, 0);
  change([](auto& json) { json["clusters"] = {3, 1000}; });
  EXPECT_THAT(describe(), HasSubstr("by wgmma (clusters: 1)"));
}

TEST_F(KeptPlans, AreNotBelievedThatWgmmaIsRight) {
  options.precision = Precision::bf16;
  search();
  EXPECT_THAT(description, HasSubstr("by wgmma"));
  test::break_other_products(true);
  search();
  EXPECT_EQ(description.find("by wgmma"), std::string::npos);
}

TEST_F(KeptPlans, AreNotBelievedThatCudnnIsRight) {
  test::offer_cudnn(true);
  options.gpu_without.add(GpuWay::split);
  search();
  EXPECT_THAT(description, HasSubstr("cuDNN 9.0.0 for 17 of 17 convolutions"));
  EXPECT_THAT(description, Not(HasSubstr("left out")));
  test::break_cudnn(true);
  const auto without = search();
  EXPECT_THAT(description, HasSubstr("cuDNN 9.0.0 for 0 of 17 convolutions"));
  EXPECT_THAT(description, HasSubstr("ways left out for other results than ours"));
  test::offer_cudnn(false);
  EXPECT_EQ(search(), without);
}

TEST_F(KeptPlans, AnUnwritableFolderChangesNothing) {
  const auto expected = search();
  options.plan_folder = temporary.path / "file" / "folder";
  testing::write_text(temporary.path / "file", "");
  options.precision = Precision::fp32;
  EXPECT_EQ(search(), expected);
  EXPECT_THAT(complaints, SizeIs(1));
}

}  // namespace
}  // namespace backdrop
