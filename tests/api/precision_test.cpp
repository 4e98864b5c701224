// Searches below fp32 through the public API: fp32's answers, with an account of what was decided again.
#include <gmock/gmock.h>

#include <optional>

#include "backdrop/error.h"
#include "backdrop/search.h"
#include "engine/calibration.h"
#include "loaders/checkpoint.h"
#include "loaders/safetensors.h"
#include "models/build.h"
#include "models/convert.h"
#include "tests/api/scene.h"
#include "tests/temporary_folder.h"

namespace backdrop::test {
namespace {

using backdrop::testing::TemporaryFolder;
using ::testing::AnyOf;

/// Nothing where the processor lacks the precision's instructions.
std::optional<Session> session_in(const std::string& precision, const Model& model) {
  try {
    return Session(model, {.device = "cpu", .precision = precision});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::no_device) << error.what();
    return std::nullopt;
  }
}

void expect_same_answers(const SearchAnswers& found, const SearchAnswers& exact) {
  EXPECT_EQ(found.predictions, exact.predictions);
  EXPECT_EQ(found.fooled, exact.fooled);
  EXPECT_EQ(found.vulnerable, exact.vulnerable);
  EXPECT_EQ(found.challenge_accuracy, exact.challenge_accuracy);
}

void expect_an_account(const SearchAnswers& found, const std::string& precision) {
  ASSERT_TRUE(found.screening);
  const ScreeningSummary& screening = *found.screening;
  EXPECT_EQ(screening.precision, precision);
  EXPECT_EQ(screening.composites, found.evaluated);
  EXPECT_LE(screening.rechecked + screening.audited, screening.composites);
  EXPECT_GT(screening.wrong_share_bound, 0);
  EXPECT_LE(screening.wrong_share_bound, 1);
  EXPECT_EQ(screening.confidence, 0.95);
  EXPECT_GT(screening.calibration_seconds, 0);
}

class LowerPrecision : public ::testing::TestWithParam<const char*> {
 protected:
  const Model model = Model::load(kDemoCheckpoint);
  const OwnScene scene{9, 30};
  const SearchData data = scene.data();
};

TEST_P(LowerPrecision, HasFp32sAnswersAndAnAccount) {
  std::optional<Session> session = session_in(GetParam(), model);
  if (!session) GTEST_SKIP() << "this processor lacks the instructions for " << GetParam();
  Session exact(model, {.device = "cpu"});
  for (const SearchMode mode : {SearchMode::all, SearchMode::first_in_order}) {
    SCOPED_TRACE(static_cast<int>(mode));
    const SearchAnswers expected = search(exact, data, {.mode = mode});
    EXPECT_FALSE(expected.screening);
    const SearchAnswers found = search(*session, data, {.mode = mode});
    expect_same_answers(found, expected);
    expect_an_account(found, GetParam());  // of this search alone
  }
  const Photo photo = noise(1);
  EXPECT_EQ(session->classify(std::array{photo.view()}).logits,
            exact.classify(std::array{photo.view()}).logits);
}

INSTANTIATE_TEST_SUITE_P(OnTheCpu, LowerPrecision, ::testing::Values("bf16", "int16", "int8"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(PrecisionAuto, HasFp32sAnswersWhateverItTakes) {
  const Model model = Model::load(kDemoCheckpoint);
  const OwnScene scene(4, 20);
  const SearchData data = scene.data();
  Session exact(model, {.device = "cpu"});
  Session chosen(model, {.device = "cpu", .precision = "auto"});
  const SearchAnswers expected = search(exact, data);
  for (int round = 0; round < 2; ++round) {
    const SearchAnswers found = search(chosen, data);
    expect_same_answers(found, expected);
    if (found.screening) {
      EXPECT_THAT(found.screening->precision, AnyOf("bf16", "int16", "int8"));
    }
  }
}

TEST(PrecisionAuto, GoesOnInThePrecisionOfTheRun) {
  const TemporaryFolder folder;
  const Model model = Model::load(kDemoCheckpoint);
  const OwnScene scene(4, 60);
  const SearchData data = scene.data();
  if (!session_in("int16", model)) GTEST_SKIP() << "this processor lacks the instructions for int16";
  const std::filesystem::path out = folder.path / "run";
  Session first(model, {.device = "cpu", .precision = "int16", .threads = 1, .batch = 2});
  ASSERT_FALSE(search(first, data, {.mode = SearchMode::all, .out = out, .most_pairs = 1}).complete);
  Session exact(model, {.device = "cpu"});
  const SearchOptions resume{.mode = SearchMode::all, .out = out, .existing = ExistingRun::resume};
  EXPECT_THROW(search(exact, data, resume), Error);
  Session chosen(model, {.device = "cpu", .precision = "auto"});
  const SearchAnswers found = search(chosen, data, resume);
  expect_same_answers(found, search(exact, data, {.mode = SearchMode::all}));
  expect_an_account(found, "int16");  // of both sessions
}

TEST(PrecisionInt8, TakesTheScalesThatACheckpointCarries) {
  const Checkpoint checkpoint = load_checkpoint(kDemoCheckpoint);
  BuildReport report;
  const auto network =
      std::make_shared<const Network>(build_network(checkpoint, {}, kDemoCheckpoint, &report));
  const OwnScene scene(3, 12);
  const Photo& photo = scene.photos.front();
  const Image image{photo.height, photo.width, photo.pixels};
  const Mask mask{kSize, kSize, scene.masks.front()};
  ThreadPool pool(1);
  const Calibration calibration =
      calibrate(network, std::array{CompositePhotos{&image, &mask, &image}}, pool);
  FoldedCheckpoint folded = export_folded(*network, checkpoint, report, "demo");
  const TemporaryFolder folder;
  folded.metadata[kCalibrationKey] = "1 2 3";
  save_safetensors(folder.path / "damaged.safetensors", folded.tensors, folded.metadata);
  EXPECT_THROW(Model::load(folder.path / "damaged.safetensors"), Error);
  folded.metadata[kCalibrationKey] = calibration_text(calibration);
  save_safetensors(folder.path / "carries.safetensors", folded.tensors, folded.metadata);

  const Model model = Model::load(folder.path / "carries.safetensors");
  std::optional<Session> session = session_in("int8", model);
  if (!session) GTEST_SKIP() << "this processor lacks the instructions for int8";
  Session exact(model, {.device = "cpu"});
  const SearchData data = scene.data();
  expect_same_answers(search(*session, data), search(exact, data));
}

TEST(PrecisionNames, SayWhichDeviceTheyAreFor) {
  const Model model = Model::load(kDemoCheckpoint);
  const auto refusal = [&](const char* device, const char* precision) -> std::string {
    try {
      Session(model, {.device = device, .precision = precision});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(refusal("cpu", "tf32"), "precision tf32 is for a GPU: the CPU takes fp32, bf16, int16 and int8");
  EXPECT_EQ(refusal("cuda", "int16"),
            "precision int16 is for the CPU: a GPU takes fp32, tf32, fp16, bf16, int8 and fp8");
}

}  // namespace
}  // namespace backdrop::test
