// Checkpoints as the public API shows them.
#include "backdrop/model.h"

#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <iterator>
#include <limits>

#include "backdrop/error.h"
#include "backdrop/session.h"
#include "tests/api/models.h"

namespace backdrop::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ErrorCode code_of(const LoadOptions& options, std::string* message = nullptr) {
  try {
    Model::load(kDemoCheckpoint, options);
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::failed;
}

TEST(PublicModel, SaysWhatTheCheckpointHolds) {
  const Model model = Model::load(kDemoCheckpoint);
  const ModelInfo& info = model.info();
  EXPECT_EQ(info.architecture, "resnet18");
  EXPECT_EQ(info.classes, 9);
  EXPECT_EQ(info.height, 224);
  EXPECT_EQ(info.width, 224);
  EXPECT_GT(info.parameters, 0);
  EXPECT_GT(info.multiply_adds, info.parameters);
  EXPECT_EQ(info.format, "pytorch-zip");
  EXPECT_EQ(info.sha256.size(), 64u);
  EXPECT_THAT(model.in9_labels(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(Model::architectures(), Contains("resnet50"));
}

TEST(PublicModel, IsTheSameFromMemory) {
  std::ifstream file(kDemoCheckpoint, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Model model = Model::parse(std::as_bytes(std::span(text)));
  EXPECT_EQ(model.info().sha256, Model::load(kDemoCheckpoint).info().sha256);
  EXPECT_THROW(Model::parse(std::as_bytes(std::span(text).first(1000))), Error);
  EXPECT_THROW(Model::parse({}), Error);
}

TEST(PublicModel, StaysGoodWhenItIsMoved) {
  Model model = Model::load(kDemoCheckpoint);
  const Model other = std::move(model);
  EXPECT_EQ(model.info().sha256, other.info().sha256);
}

TEST(PublicModel, TakesLabelsOfTheCallers) {
  const Model model = Model::load(kDemoCheckpoint, {.in9_labels = {8, 7, 6, 5, 4, 3, 2, 1, -1}});
  EXPECT_THAT(model.in9_labels(), ElementsAre(8, 7, 6, 5, 4, 3, 2, 1, -1));
}

TEST(PublicModel, TakesAMeanAndDeviationOfTheCallers) {
  const Model model =
      Model::load(kDemoCheckpoint, {.mean = {{0.5f, 0.25f, 0}}, .deviation = {{0.5f, 1, 0.125f}}});
  EXPECT_THAT(model.info().mean, ElementsAre(0.5f, 0.25f, 0));
  EXPECT_THAT(model.info().deviation, ElementsAre(0.5f, 1, 0.125f));
  const Photo photo = noise(1);
  const auto first_logit = [&photo](const Model& of) {
    return Session(of, {.device = "cpu"}).classify(std::array{photo.view()}).logits[0];
  };
  EXPECT_NE(first_logit(model), first_logit(Model::load(kDemoCheckpoint)));
}

TEST(PublicModel, RefusesAMeanAndDeviationThatAreNone) {
  const std::array<float, 3> zeros{};
  const std::array<float, 3> ones{1, 1, 1};
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  std::string message;
  EXPECT_EQ(code_of({.mean = zeros}, &message), ErrorCode::usage);
  EXPECT_THAT(message, HasSubstr("only one of mean and deviation"));
  EXPECT_EQ(code_of({.deviation = ones}), ErrorCode::usage);
  EXPECT_EQ(code_of({.mean = zeros, .deviation = {{1, 0, 1}}}, &message), ErrorCode::usage);
  EXPECT_THAT(message, HasSubstr("the given normalisation is unusable: mean 0, standard deviation 0"));
  EXPECT_EQ(code_of({.mean = zeros, .deviation = {{1, 1, -1}}}), ErrorCode::usage);
  EXPECT_EQ(code_of({.mean = {{kNone, 0, 0}}, .deviation = ones}), ErrorCode::usage);
  EXPECT_EQ(code_of({.mean = zeros, .deviation = {{1, 1, kNone}}}), ErrorCode::usage);
  EXPECT_EQ(code_of({.mean = {{0.5F, 123.7F, 0}}, .deviation = {{58, 57, 57}}}, &message), ErrorCode::usage);
  EXPECT_THAT(message, HasSubstr("the given mean 123.7 is of pixels up to 255"));
}

TEST(PublicModel, RefusesWhatDoesNotFit) {
  std::string message;
  EXPECT_EQ(code_of({.in9_labels = {0, 1}}, &message), ErrorCode::usage);
  EXPECT_THAT(message, HasSubstr("has 9 classes, but 2 labels were given"));
  EXPECT_EQ(code_of({.in9_labels = std::vector<int>(9, 9)}), ErrorCode::usage);
  EXPECT_EQ(code_of({.architecture = "resnet19"}), ErrorCode::usage);
  EXPECT_EQ(code_of({.architecture = "resnet50"}), ErrorCode::bad_input);
  EXPECT_EQ(code_of({.class_map = "no-such-map.json"}), ErrorCode::bad_input);
  EXPECT_THROW(Model::load("no-such-file.pt"), Error);
}

}  // namespace
}  // namespace backdrop::test
