// Where nothing is left to reuse: whole images in the ways of the dense path, over the emulated runtime.
#include <gmock/gmock.h>

#include <algorithm>
#include <utility>

#include "engine/cuda_dense.h"
#include "engine/cuda_reuse.h"
#include "tests/conformance/reuse_scene.h"
#include "tests/cuda/emulated_cuda.h"
#include "tests/cuda/small_resnet.h"

namespace backdrop {
namespace {

using test::kBackgrounds;
using test::kClasses;
using ::testing::HasSubstr;

class WholeImages : public ::testing::Test {
 protected:
  WholeImages() {
    test::limit_device_memory(std::size_t{1} << 30);
    test::show_devices(1);
  }
  ~WholeImages() override { test::offer_cudnn(false); }

  PlanFolder nowhere{{}, {}, false, {}};
  std::vector<std::int32_t> in9 = std::vector<std::int32_t>(kClasses, 0);
};

TEST_F(WholeImages, GoOnByCudnnBehindTheHandOff) {
  test::offer_cudnn(true);
  for (const unsigned seed : {1u, 2u}) {
    const auto network =
        seed % 2 == 0 ? test::random_residual_network(15, seed) : test::random_plain_network(15, seed);
    const test::Scene expected = test::plain_scene(network, 15, kBackgrounds, kClasses, seed);
    const CudaLayers layers(*network, Precision::fp32);
    const CudaPhotos photos = upload_photos(*expected.backgrounds);
    int by_cudnn = 0;
    for (int hand_off = 0; hand_off < layers.position_layers(); ++hand_off) {
      SCOPED_TRACE(::testing::Message() << "seed " << seed << ", hand-off " << hand_off);
      test::Scene actual(15, kBackgrounds, kClasses, seed);
      CudaDenseLayers whole(layers, 4, {}, nowhere);
      CudaReuse reuse(whole, photos, in9.data(), {hand_off, std::size_t{1} << 28});
      test::take_cudnn_runs();
      test::run_alone(reuse, actual);
      by_cudnn += test::take_cudnn_runs() > 0;
      test::expect_logits(actual, expected, 1e-4f);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(by_cudnn, 0);
    EXPECT_LT(by_cudnn, layers.position_layers());  // nothing is whole behind the last layer
  }
}

TEST_F(WholeImages, HaveBottlenecksInOneKernel) {
  constexpr int kFew = 3;  // emulated lane by lane
  const int size = 7;
  const auto network = test::small_resnet(size);
  const test::Scene expected = test::plain_scene(network, size, kFew, kClasses, 3);
  const CudaLayers layers(*network, Precision::fp16);
  const CudaPhotos photos = upload_photos(*expected.backgrounds);
  test::Scene actual(size, kFew, kClasses, 3);
  CudaDenseLayers whole(layers, 2, {}, nowhere);
  CudaReuse reuse(whole, photos, in9.data(), {0, std::size_t{1} << 28});
  EXPECT_THAT(reuse.libraries(), HasSubstr("3 bottlenecks in 1 kernels"));
  // Ten layers in one kernel, if images are computed whole from the first of them on.
  const auto [first, last] = std::pair(1, 10);
  for (int i = 0; i < layers.position_layers(); ++i) {
    EXPECT_NEAR(whole.pace(0, i), i < first || i > last ? 1.0 : 0.1, 1e-9) << i;
    EXPECT_EQ(whole.pace(first + 1, i), 1.0) << i;
  }
  test::run_alone(reuse, actual);
  test::expect_logits(actual, expected, 1e-2f);
}

// cuDNN takes half of our kernels' time here, and always for a full batch.
TEST_F(WholeImages, AreOursWhereThereAreFew) {
  test::offer_cudnn(true);
  constexpr int kMostRows = 8;
  const auto network = test::random_plain_network(15, 1);
  const CudaLayers layers(*network, Precision::fp32);
  CudaDense dense(layers, in9.data(), kMostRows, {}, nowhere);
  std::vector<Image> images;
  for (unsigned i = 0; i < kMostRows; ++i) images.push_back(test::random_image(15, i));
  std::vector<float> all(kMostRows * kClasses), few(kMostRows * kClasses);
  test::take_cudnn_runs();
  dense.run(images, all.data());
  EXPECT_GT(test::take_cudnn_runs(), 0);
  for (const std::size_t rows : {kMostRows / 2 - 1, kMostRows / 2}) {
    dense.run(std::span(images).first(rows), few.data());
    EXPECT_EQ(test::take_cudnn_runs() > 0, rows == kMostRows / 2);
    for (std::size_t i = 0; i < rows * kClasses; ++i) ASSERT_NEAR(few[i], all[i], 1e-4f);
  }
}

TEST_F(WholeImages, GiveCudnnNoMoreRoomThanTheyHave) {
  const auto network = test::random_plain_network(15, 1);
  const CudaLayers layers(*network, Precision::fp32);
  const std::size_t alone = CudaDenseLayers(layers, 4, {}, nowhere).workspace_bytes();
  test::offer_cudnn(true);
  EXPECT_LE(CudaDenseLayers(layers, 4, {}, nowhere).workspace_bytes(), 2 * alone);
}

TEST_F(WholeImages, AreNamedInTheDescription) {
  test::offer_cudnn(true);
  const auto network = test::random_plain_network(15, 1);
  test::Scene scene(15, kBackgrounds, kClasses, 1);
  EngineOptions options;
  options.cache_memory = 1;  // an early hand-off
  options.batch = 4;
  const auto engine = make_cuda_engine(network, default_class_map(kClasses), options);
  scene.run(*engine);
  EXPECT_THAT(engine->description(), HasSubstr(", whole images: cuDNN 9.0.0 for "));
}

}  // namespace
}  // namespace backdrop
