/// \file
/// Reading and comparing PyTorch's answers, see golden_answers.h.
#include "golden_answers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "golden_images.h"
#include "models/build.h"

namespace backdrop {
namespace {

constexpr int kLabels = 9;

int argmax(const float* logits, std::size_t count) {
  return static_cast<int>(std::max_element(logits, logits + count) - logits);
}

/// The best logit of `label`'s classes minus the best of all the others.
float margin_of(const std::vector<float>& logits, int label) {
  float own = -INFINITY;
  float other = -INFINITY;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    float& best = static_cast<int>(c) % kLabels == label ? own : other;
    best = std::max(best, logits[c]);
  }
  return own - other;
}

float largest(const std::vector<float>& logits) {
  float result = 0.0f;
  for (const float logit : logits) result = std::max(result, std::abs(logit));
  return result;
}

}  // namespace

std::vector<GoldenAnswers> read_golden_answers(const std::filesystem::path& folder) {
  std::ifstream stream(folder / "answers.json");
  std::vector<GoldenAnswers> result;
  for (const auto& entry : nlohmann::json::parse(stream)) {
    GoldenAnswers answers;
    answers.arch = entry.at("arch");
    answers.checkpoint = folder / entry.at("file").get<std::string>();
    for (const auto& photo : entry.at("photos")) {
      answers.photos.push_back({photo.at("seed"), photo.at("logits").get<std::vector<float>>()});
    }
    for (const auto& composite : entry.at("composites")) {
      const auto circle = composite.at("circle").get<std::array<int, 3>>();
      answers.composites.push_back({composite.at("foreground"), composite.at("background"), circle[0],
                                    circle[1], circle[2], composite.at("logits").get<std::vector<float>>()});
    }
    result.push_back(std::move(answers));
  }
  return result;
}

std::shared_ptr<const Network> load_network(const std::filesystem::path& checkpoint,
                                            const std::string& arch) {
  const Checkpoint loaded = load_checkpoint(checkpoint);
  return std::make_shared<const Network>(build_network(loaded, {.arch = arch}, checkpoint.string()));
}

std::unique_ptr<Engine> make_golden_engine(std::shared_ptr<const Network> network,
                                           const EngineOptions& options) {
  ClassMap map;
  for (int c = 0; c < network->classes(); ++c) map.in9.push_back(c % kLabels);
  return make_cpu_engine(std::move(network), map, options);
}

void expect_logits(const float* actual, const std::vector<float>& expected, float tolerance) {
  const float allowed = tolerance * largest(expected);
  for (std::size_t c = 0; c < expected.size(); ++c)
    ASSERT_NEAR(actual[c], expected[c], allowed) << "class " << c;
  const int best = argmax(expected.data(), expected.size());
  std::vector<float> others = expected;
  others[static_cast<std::size_t>(best)] = -INFINITY;
  const float margin =
      expected[static_cast<std::size_t>(best)] - *std::max_element(others.begin(), others.end());
  if (margin > allowed) {
    EXPECT_EQ(argmax(actual, expected.size()), best);
  }
}

void expect_golden_photos(Engine& engine, const GoldenAnswers& answers, float tolerance) {
  const std::size_t classes = static_cast<std::size_t>(engine.classes());
  std::vector<Image> images;
  for (const GoldenPhoto& photo : answers.photos) images.push_back(golden_photo(photo.seed));
  std::vector<float> logits(images.size() * classes);
  engine.classify_images(images, logits.data());
  for (std::size_t i = 0; i < images.size(); ++i) {
    SCOPED_TRACE("photo " + std::to_string(answers.photos[i].seed));
    ASSERT_EQ(answers.photos[i].logits.size(), classes);
    expect_logits(logits.data() + i * classes, answers.photos[i].logits, tolerance);
  }
}

void expect_golden_composites(Engine& engine, const GoldenAnswers& answers, float tolerance) {
  std::map<std::uint32_t, int> index_of;
  auto backgrounds = std::make_shared<std::vector<Image>>();
  for (const GoldenComposite& composite : answers.composites) {
    if (index_of.contains(composite.background)) continue;
    index_of[composite.background] = static_cast<int>(backgrounds->size());
    backgrounds->push_back(golden_photo(composite.background));
  }
  engine.set_backgrounds(backgrounds);
  for (const GoldenComposite& composite : answers.composites) {
    SCOPED_TRACE("foreground " + std::to_string(composite.foreground) + " on " +
                 std::to_string(composite.background));
    const Image foreground = golden_photo(composite.foreground);
    const Mask mask = golden_mask(composite.centre_x, composite.centre_y, composite.radius);
    const int label = static_cast<int>(composite.foreground % kLabels);
    const int background = index_of.at(composite.background);
    std::int16_t prediction = -1;
    float margin = 0.0f;
    std::vector<float> logits(composite.logits.size());
    const CompositeTask task{&foreground, &mask,   label,        {&background, 1},
                             &prediction, &margin, logits.data()};
    engine.classify_composites({&task, 1});
    expect_logits(logits.data(), composite.logits, tolerance);
    EXPECT_EQ(prediction, argmax(logits.data(), logits.size()));
    EXPECT_NEAR(margin, margin_of(composite.logits, label), 2 * tolerance * largest(composite.logits));
  }
}

}  // namespace backdrop
