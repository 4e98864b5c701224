/// \file
/// A few foregrounds on a few backgrounds, run through an engine.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "engine/engine.h"
#include "tests/engine/random_network.h"

namespace backdrop::test {

/// Several batches and tiles of them.
inline constexpr int kBackgrounds = 7;

/// One foreground for each kind of mask on all backgrounds, or on some in another order.
struct Scene {
  std::vector<Image> foregrounds;
  std::vector<Mask> masks;
  std::shared_ptr<std::vector<Image>> backgrounds = std::make_shared<std::vector<Image>>();
  std::vector<std::vector<int>> chosen;
  std::vector<std::vector<float>> logits;
  std::vector<std::vector<float>> margins;
  std::vector<std::vector<std::int16_t>> predictions;
  int classes;

  Scene(int size, int background_count, int class_count, unsigned seed) : classes(class_count) {
    for (int b = 0; b < background_count; ++b) backgrounds->push_back(random_image(size, seed * 1000 + b));
    for (const std::string& name : mask_names()) {
      foregrounds.push_back(random_image(size, seed * 1000 + 500 + static_cast<unsigned>(masks.size())));
      masks.push_back(make_mask(name, size, seed));
      std::vector<int> all(background_count);
      std::iota(all.begin(), all.end(), 0);
      if (masks.size() % 3 == 0) all = {background_count - 1, 0, background_count / 2};
      chosen.push_back(all);
      logits.emplace_back(all.size() * classes, std::numeric_limits<float>::quiet_NaN());
      margins.emplace_back(all.size(), std::numeric_limits<float>::quiet_NaN());
      predictions.emplace_back(all.size(), std::int16_t{-1});
    }
  }

  std::vector<CompositeTask> tasks() {
    std::vector<CompositeTask> result;
    for (std::size_t f = 0; f < masks.size(); ++f)
      result.push_back({&foregrounds[f], &masks[f], static_cast<int>(f % 9), chosen[f], predictions[f].data(),
                        margins[f].data(), logits[f].data()});
    return result;
  }

  void run(Engine& engine) {
    engine.set_backgrounds(backgrounds);
    engine.classify_composites(tasks());
  }

  float largest_logit() const {
    float largest = 0;
    for (const auto& row : logits)
      for (const float value : row) largest = std::max(largest, std::abs(value));
    return largest;
  }
};

/// A scene by the CPU's plain loops.
inline Scene plain_scene(const std::shared_ptr<const Network>& network, int size, int background_count,
                         int class_count, unsigned seed) {
  Scene scene(size, background_count, class_count, seed);
  EngineOptions options;
  options.reference = true;
  options.threads = 1;
  scene.run(*make_cpu_engine(network, default_class_map(class_count), options));
  return scene;
}

/// `tolerance`: of the largest logit.
inline void expect_logits(const Scene& actual, const Scene& expected, float tolerance) {
  const float allowed = tolerance * expected.largest_logit();
  for (std::size_t f = 0; f < expected.logits.size(); ++f)
    for (std::size_t i = 0; i < expected.logits[f].size(); ++i)
      ASSERT_LE(std::abs(actual.logits[f][i] - expected.logits[f][i]), allowed)
          << mask_names()[f] << ", logit " << i;
}

}  // namespace backdrop::test
