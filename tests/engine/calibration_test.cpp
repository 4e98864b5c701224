#include "engine/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backdrop/error.h"
#include "engine/position_network.h"
#include "tests/engine/random_network.h"

namespace backdrop {
namespace {

constexpr int kPhotoSize = 32;
constexpr int kComposites = 8;  // two batches of six, which overlap

struct Composites {
  std::vector<Image> photos;
  std::vector<Mask> masks;
  std::vector<CompositePhotos> composites;

  explicit Composites(unsigned seed) {
    for (unsigned i = 0; i < 2 * kComposites; ++i)
      photos.push_back(test::random_image(kPhotoSize, 100 * seed + i));
    for (int i = 0; i < kComposites; ++i) masks.push_back(test::make_mask("disc", kPhotoSize, seed + i));
    for (int i = 0; i < kComposites; ++i)
      composites.push_back({&photos[2 * i], &masks[i], &photos[2 * i + 1]});
  }
};

std::shared_ptr<const Network> network_of(unsigned seed) {
  return seed % 2 == 0 ? test::random_residual_network(kPhotoSize, seed)
                       : test::random_plain_network(kPhotoSize, seed);
}

// How many run side by side depends on the threads, and what each value ranges over does not.
TEST(CalibrationTest, DoesNotDependOnTheNumberOfThreads) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const Composites scene(seed);
    ThreadPool one(1), some(3), many(kComposites);
    const Calibration calibration = calibrate(network_of(seed), scene.composites, one);
    EXPECT_EQ(calibrate(network_of(seed), scene.composites, some), calibration);
    EXPECT_EQ(calibrate(network_of(seed), scene.composites, many), calibration);
  }
}

TEST(CalibrationTest, CoversTheRangesOfEveryComposite) {
  ThreadPool pool(2);
  const std::shared_ptr<const Network> network = network_of(1);
  const Composites scene(1);
  const auto layers = make_float_network(network, 4, best_instruction_set(), pool);
  const Calibration all = calibrate(*layers, scene.composites, pool);
  std::vector<float> widest(all.values.size(), 0.0f);
  for (const CompositePhotos& composite : scene.composites) {
    const Calibration alone = calibrate(*layers, {&composite, 1}, pool);
    for (std::size_t v = 0; v < widest.size(); ++v) {
      EXPECT_LE(alone.values[v].scale, all.values[v].scale) << "value " << v;
      widest[v] = std::max(widest[v], alone.values[v].scale);
    }
  }
  // Behind a ReLU every range begins at 0: the widest of one composite is the widest of all.
  for (int i = 0; i < layers->layers(); ++i) {
    if (network->layers[i].activation != Activation::relu) continue;
    EXPECT_EQ(widest[i + 1], all.values[i + 1].scale) << "layer " << i;
  }
}

TEST(CalibrationText, ReadsBackAndRefusesDamage) {
  const auto network = network_of(3);
  ThreadPool pool(2);
  const Calibration calibration = calibrate(network, Composites(3).composites, pool);
  const std::string text = calibration_text(calibration);
  EXPECT_EQ(read_calibration(text, *network, "file"), calibration);
  for (const std::string& damaged : {text + " 1 0", text.substr(0, text.rfind(' ')), "x" + text,
                                     "-1 0" + text.substr(text.find(' ', text.find(' ') + 1)), std::string()})
    EXPECT_THROW(read_calibration(damaged, *network, "file"), Error) << damaged;
}

}  // namespace
}  // namespace backdrop
