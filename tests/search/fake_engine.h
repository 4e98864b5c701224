/// \file
/// An engine whose answers are a formula of the pair, for testing the search without a network.
///
/// Foreground f and background b are known by the first two bytes of their photos, as `fake_input` writes
/// them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "search/inputs.h"

namespace backdrop::testing {

/// Fills the logits of foreground f on background b.
using Script = std::function<void(int f, int b, std::span<float> logits)>;

inline Image numbered_image(int number) {
  return {1, 1, {static_cast<std::uint8_t>(number % 256), static_cast<std::uint8_t>(number / 256), 0}};
}

inline int number_of(const Image& image) {
  return image.pixels[0] + 256 * image.pixels[1];
}

/// Photos of one pixel; labels go round the classes.
inline ChallengeInput fake_input(int foregrounds, int backgrounds, int classes) {
  ChallengeInput input;
  for (int c = 0; c < classes; ++c) input.classes.push_back(fmt::format("0{}_class", c));
  for (int f = 0; f < foregrounds; ++f)
    input.foregrounds.push_back({fmt::format("f{}.JPEG", f), f % classes, numbered_image(f), {1, 1, {1}}});
  std::vector<Image> images;
  for (int b = 0; b < backgrounds; ++b) {
    images.push_back(numbered_image(b));
    input.background_names.push_back({fmt::format("b{}.JPEG", b), b % classes});
  }
  input.backgrounds = std::make_shared<const std::vector<Image>>(std::move(images));
  return input;
}

class FakeEngine : public Engine {
 public:
  FakeEngine(int classes, Script script) : classes_(classes), script_(std::move(script)) {}

  void set_backgrounds(std::shared_ptr<const std::vector<Image>> backgrounds) override {
    backgrounds_ = std::move(backgrounds);
  }

  void classify_composites(std::span<const CompositeTask> tasks) override {
    for (const CompositeTask& task : tasks)
      for (std::size_t i = 0; i < task.backgrounds.size(); ++i) {
        std::vector<float> logits(static_cast<std::size_t>(classes_));
        const int background = task.backgrounds[i];
        script_(number_of(*task.foreground),
                number_of(backgrounds_->at(static_cast<std::size_t>(background))), logits);
        visited.emplace_back(number_of(*task.foreground), background);
        if (account) {
          account->rechecked += background % 5 == 0;
          account->audited += background % 7 == 1;
          if (account->second) account->second->composites += background % 3 == 0;
        }
        const auto best = std::max_element(logits.begin(), logits.end());
        task.predictions[i] = static_cast<std::int16_t>(best - logits.begin());
        const float right = logits[static_cast<std::size_t>(task.label)];
        logits[static_cast<std::size_t>(task.label)] = -1e30f;
        task.margins[i] = right - *std::max_element(logits.begin(), logits.end());
        logits[static_cast<std::size_t>(task.label)] = right;
        if (task.logits) std::copy(logits.begin(), logits.end(), task.logits + i * logits.size());
      }
  }

  std::optional<ScreeningReport> screening() const override { return account; }

  void classify_images(std::span<const Image> images, float* logits) override {
    for (const Image& image : images) {
      std::fill_n(logits, classes_, 0.0f);
      script_(number_of(image), -1, {logits, static_cast<std::size_t>(classes_)});
      logits += classes_;
    }
  }

  int classes() const override { return classes_; }
  int batch() const override { return batch_size; }
  int tile() const override { return tile_size; }
  int threads() const override { return thread_count; }
  std::string description() const override { return "fake"; }
  std::size_t workspace_bytes() const override { return 0; }

  int batch_size = 4;
  int tile_size = 0;
  int thread_count = 2;
  std::vector<std::pair<int, int>> visited;  ///< every pair computed, in order
  std::optional<ScreeningReport> account;    ///< given: as of a fast precision that decides some pairs again

 private:
  int classes_;
  Script script_;
  std::shared_ptr<const std::vector<Image>> backgrounds_;
};

/// A map of `classes` model classes to themselves.
inline ClassMap identity_map(int classes) {
  ClassMap map;
  for (int c = 0; c < classes; ++c) map.in9.push_back(c);
  return map;
}

}  // namespace backdrop::testing
