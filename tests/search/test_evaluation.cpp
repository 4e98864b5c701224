// Reading a small tree of the release: the evaluation's counts, and the inputs of the challenge.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <limits>

#include "backdrop/error.h"
#include "loaders/dataset.h"
#include "loaders/image_jpeg.h"
#include "loaders/npy.h"
#include "search/evaluation.h"
#include "search/inputs.h"
#include "tests/search/fake_engine.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::FakeEngine;
using testing::identity_map;
using testing::TemporaryFolder;

/// A photo of one grey, which JPEG keeps exactly.
void write_photo(const fs::path& path, int grey, int size = kImageSize) {
  fs::create_directories(path.parent_path());
  const std::size_t bytes = static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3;
  const auto jpeg =
      encode_jpeg({size, size, std::vector<std::uint8_t>(bytes, static_cast<std::uint8_t>(grey))}, 90);
  testing::write_text(path, {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
}

std::string class_folder(int label) {
  return fmt::format("0{}_class {}", label, label);
}

class TreeTest : public ::testing::Test {
 protected:
  /// Photos `per_class` a class whose grey is their label, but for the last of class 0.
  void write_variation(const std::string& variation, int per_class = 2) {
    for (int label = 0; label < kIn9Classes; ++label)
      for (int i = 0; i < per_class; ++i) {
        const bool odd_one_out = label == 0 && i == per_class - 1;
        write_photo(root() / variation / "val" / class_folder(label) / fmt::format("n{}.JPEG", i),
                    odd_one_out ? 8 : label);
      }
  }

  void write_mask(int label, const std::string& name, std::size_t size = kImageSize) {
    const fs::path folder = root() / "fg_mask" / "val" / class_folder(label);
    fs::create_directories(folder);
    const std::vector<std::uint8_t> values(size * size, 1);
    write_npy_bytes(folder / name, npy_type<std::uint8_t>(), std::vector<std::size_t>{size, size},
                    std::as_bytes(std::span(values)));
  }

  const fs::path& root() const { return temporary.path; }

  TemporaryFolder temporary;
  ThreadPool pool{2};
  FakeEngine engine{kIn9Classes, [](int photo, int, std::span<float> logits) {
                      logits[static_cast<std::size_t>(photo % 256)] = 1;
                    }};
};

TEST_F(TreeTest, AccuracyOfAVariation) {
  write_variation("mixed_same");
  std::vector<std::size_t> reports;
  EvaluationHooks hooks;
  hooks.progress = [&](const std::string&, std::size_t done, std::size_t) { reports.push_back(done); };
  const VariationResult result =
      evaluate_variation(engine, identity_map(kIn9Classes), root(), "mixed_same", pool, hooks);
  EXPECT_EQ(result.images, 18);
  EXPECT_EQ(result.correct, 17);
  EXPECT_THAT(reports, ElementsAre(18));
}

TEST_F(TreeTest, AccuracyIsThatOfAllPortions) {
  write_variation("mixed_same", 4);  // 36 photos, of which 32 are read at once
  const VariationResult result =
      evaluate_variation(engine, identity_map(kIn9Classes), root(), "mixed_same", pool, {});
  EXPECT_EQ(result.images, 36);
  EXPECT_EQ(result.correct, 35);
  fs::rename(root() / "mixed_same/val" / class_folder(8), root() / "mixed_same/val/09_class");
  EXPECT_NE(evaluate_variation(engine, identity_map(kIn9Classes), root(), "mixed_same", pool, {}).sha256,
            result.sha256)
      << "the class belongs to the data";
}

TEST(Evaluation, ANewResultReplacesTheOldOneOfItsVariation) {
  const auto merged = merge_results({{"mixed_rand", 10, 1}, {"original", 10, 2}}, {{"mixed_rand", 10, 3}});
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].correct, 2);
  EXPECT_EQ(merged[1].correct, 3);
}

TEST_F(TreeTest, WhatIsNotANumberIsNoAnswer) {
  write_variation("mixed_same");
  FakeEngine overflowing(kIn9Classes, [](int photo, int, std::span<float> logits) {
    if (photo % 256 == 3) logits[5] = std::numeric_limits<float>::quiet_NaN();
  });
  try {
    evaluate_variation(overflowing, identity_map(kIn9Classes), root(), "mixed_same", pool, {});
    FAIL() << "was counted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("03_class 3"));
  }
}

TEST_F(TreeTest, EvaluationCanBeStopped) {
  write_variation("mixed_same");
  EvaluationHooks hooks;
  hooks.stop = [] { return true; };
  EXPECT_THROW(evaluate_variation(engine, identity_map(kIn9Classes), root(), "mixed_same", pool, hooks),
               Error);
}

TEST_F(TreeTest, VariationsComeInThePublishedOrder) {
  write_variation("mixed_rand", 1);
  write_variation("original", 1);
  EXPECT_THAT(select_variations(root(), "all"), ElementsAre("original", "mixed_rand"));
  EXPECT_THAT(select_variations(root(), "mixed_rand,original"), ElementsAre("original", "mixed_rand"));
  EXPECT_THAT(select_variations(root(), "original"), ElementsAre("original"));
  EXPECT_THAT(select_variations(root(), "Mixed-Rand"), ElementsAre("mixed_rand"));
  EXPECT_THROW(select_variations(root(), "mixed_sane"), Error);
  EXPECT_THROW(select_variations(root(), "no_fg"), Error);
  EXPECT_THROW(select_variations(root(), ""), Error);
  const auto refusal = [](const fs::path& data) -> std::string {
    try {
      select_variations(data, "all");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(root() / "original"), ::testing::EndsWith("' has one: is that the data folder?"));
  EXPECT_THAT(refusal(root() / "none"), ::testing::HasSubstr("no such data folder"));
}

TEST_F(TreeTest, VariationsOfOtherClassesAreRefused) {
  for (const char* variation : {"original", "mixed_same", "mixed_rand"}) write_variation(variation, 1);
  fs::rename(root() / "mixed_rand/val" / class_folder(0), root() / "mixed_rand/val/dog");
  EXPECT_THROW(select_variations(root(), "mixed_rand"), Error);
}

TEST(Evaluation, BackgroundGapNeedsBothVariations) {
  EXPECT_EQ(background_gap({{"mixed_same", 10, 9}}), std::nullopt);
  EXPECT_DOUBLE_EQ(*background_gap({{"mixed_same", 10, 9}, {"mixed_rand", 10, 7}}), 0.9 - 0.7);
}

TEST_F(TreeTest, InputsOfTheChallenge) {
  write_variation("original");
  write_variation("only_bg_t");
  for (int label = 0; label < kIn9Classes; ++label) write_mask(label, "n1.npy");
  const ChallengeInput input = load_challenge_input(root(), pool);
  ASSERT_EQ(input.foregrounds.size(), 9u);
  EXPECT_EQ(input.foregrounds[2].name, "n1.JPEG");
  EXPECT_EQ(input.foregrounds[2].label, 2);
  EXPECT_EQ(input.foregrounds[2].image.pixels[0], 2);
  ASSERT_EQ(input.backgrounds->size(), 18u);
  EXPECT_EQ(input.background_names[3].label, 1);
  EXPECT_EQ(input.classes[4], class_folder(4));
  check_input(input, {kImageSize, kImageSize, 3});
  EXPECT_THROW(check_input(input, {32, 32, 3}), Error);
  std::vector<ChallengeInput> wrong(4, input);
  wrong[0].foregrounds[1].label = kIn9Classes;
  wrong[1].background_names[1].label = kIn9Classes;
  wrong[2].foregrounds[1].image.pixels.pop_back();
  wrong[3].foregrounds[1].mask.values.pop_back();
  for (const ChallengeInput& other : wrong)
    EXPECT_THROW(check_input(other, {kImageSize, kImageSize, 3}), Error);
}

TEST_F(TreeTest, AMaskOfAnotherSizeIsRefused) {
  write_variation("original");
  write_variation("only_bg_t");
  for (int label = 0; label < kIn9Classes; ++label)
    write_mask(label, "n0.npy", label == 7 ? 100 : kImageSize);
  EXPECT_THROW(load_challenge_input(root(), pool), Error);
}

TEST(Manifest, NamesEveryPixelMaskLabelAndName) {
  ThreadPool pool(2);
  const ChallengeInput input = testing::fake_input(3, 4, 2);
  const std::string hash = manifest_sha256(input, pool);
  EXPECT_EQ(hash, manifest_sha256(input, pool));
  EXPECT_EQ(hash.size(), 64u);
  std::vector<ChallengeInput> changed(7, input);
  changed[0].foregrounds[1].image.pixels[0] ^= 1;
  changed[1].foregrounds[1].mask.values[0] ^= 1;
  changed[2].background_names[3].name += "x";
  changed[3].background_names[3].label ^= 1;
  auto images = *input.backgrounds;
  images[2].pixels[1] ^= 1;
  changed[5].foregrounds[1].label ^= 1;
  changed[6].classes[1] += "x";
  changed[4].backgrounds = std::make_shared<const std::vector<Image>>(images);
  for (const ChallengeInput& other : changed) EXPECT_NE(hash, manifest_sha256(other, pool));
}

}  // namespace
}  // namespace backdrop
