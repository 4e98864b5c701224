/// \file
/// A search over photos and masks drawn by seed.
#pragma once

#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/composite_task.h"
#include "tests/engine/random_network.h"

namespace backdrop::test {

/// Every foreground on every background, with room for the answers.
struct RandomSearch {
  std::vector<Image> foregrounds;
  std::vector<Mask> masks;
  std::shared_ptr<std::vector<Image>> backgrounds = std::make_shared<std::vector<Image>>();
  std::vector<int> all;
  std::vector<std::vector<std::int16_t>> predictions;
  std::vector<std::vector<float>> margins, logits;

  RandomSearch(int size, int count, unsigned seed) : all(count) {
    std::iota(all.begin(), all.end(), 0);
    for (int b = 0; b < count; ++b) backgrounds->push_back(random_image(size, seed * 1000 + b));
    for (const std::string& name : mask_names()) {
      foregrounds.push_back(random_image(size, seed * 1000 + 500 + static_cast<unsigned>(masks.size())));
      masks.push_back(make_mask(name, size, seed));
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

}  // namespace backdrop::test
