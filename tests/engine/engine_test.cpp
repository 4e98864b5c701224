// What an engine refuses, and what it reports.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include "backdrop/error.h"
#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

std::unique_ptr<Engine> engine_for(int size, const EngineOptions& options = {}) {
  return make_cpu_engine(test::random_plain_network(size, 1), default_class_map(9), options);
}

TEST(Engine, RefusesPhotosOfAnotherSize) {
  auto engine = engine_for(16);
  auto photos = std::make_shared<std::vector<Image>>(1, test::random_image(17, 1));
  EXPECT_THROW(engine->set_backgrounds(photos), Error);
  std::vector<float> logits(9);
  EXPECT_THROW(engine->classify_images(*photos, logits.data()), Error);
}

TEST(Engine, RefusesBackgroundsItDoesNotHold) {
  auto engine = engine_for(16);
  const Image photo = test::random_image(16, 1);
  const Mask mask = test::make_mask("disc", 16, 1);
  const std::vector<int> backgrounds{0};
  const CompositeTask task{&photo, &mask, 0, backgrounds};
  EXPECT_THROW(engine->classify_composites({&task, 1}), Error);
  engine->set_backgrounds(std::make_shared<std::vector<Image>>(1, test::random_image(16, 2)));
  EXPECT_NO_THROW(engine->classify_composites({&task, 1}));
  const std::vector<int> wrong{-1};
  const CompositeTask other{&photo, &mask, 0, wrong};
  EXPECT_THROW(engine->classify_composites({&other, 1}), Error);
}

TEST(Engine, RefusesAClassMapOfAnotherSize) {
  EXPECT_THROW(make_cpu_engine(test::random_plain_network(16, 1), ClassMap{{0, 1, 2}}, {}), Error);
}

TEST(Engine, PhotosAloneEqualFullMasks) {
  const auto network = test::random_residual_network(18, 2);
  auto engine = make_cpu_engine(network, default_class_map(9), {});
  const Image photo = test::random_image(18, 3);
  const Mask full = test::make_mask("full", 18, 1);
  engine->set_backgrounds(std::make_shared<std::vector<Image>>(1, test::random_image(18, 4)));
  std::vector<float> alone(9);
  engine->classify_images({&photo, 1}, alone.data());
  std::vector<float> composite(9);
  std::int16_t prediction = -1;
  float margin = 0;
  const std::vector<int> backgrounds{0};
  const CompositeTask task{&photo, &full, 2, backgrounds, &prediction, &margin, composite.data()};
  engine->classify_composites({&task, 1});
  for (int c = 0; c < 9; ++c) EXPECT_NEAR(alone[c], composite[c], 1e-4f);
  EXPECT_EQ(prediction, std::max_element(composite.begin(), composite.end()) - composite.begin());
}

TEST(Engine, DescribesItself) {
  EngineOptions options;
  options.threads = 1;
  auto engine = engine_for(16, options);
  EXPECT_EQ(engine->classes(), 9);
  EXPECT_EQ(engine->threads(), 1);
  EXPECT_NE(engine->description().find("CPU"), std::string::npos);
}

}  // namespace
}  // namespace backdrop
