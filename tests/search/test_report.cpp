// The run's text files: quoting, escaping, numbers that are missing.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "backdrop/error.h"
#include "report/evaluation_record.h"
#include "report/html.h"
#include "report/pair_counts.h"
#include "report/profile_record.h"
#include "report/run_page.h"
#include "report/run_reader.h"
#include "report/run_record.h"
#include "report/thumbnail.h"
#include "report/utf8.h"
#include "tests/search/fake_engine.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// Two foregrounds (classes 0, 1) on two backgrounds (classes 0, 1); the second foreground is fooled on the
/// first.
class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    pairs.predictions = {0, 0, 0, 1};
    pairs.margins = {1, 2, -0.5f, 3};
    input.background_names[0].name = "odd, \"quoted\" <b>.JPEG";
    record.model.file = "a<b>.pt";
    record.model.sha256 = std::string(64, 'a');
    record.model.arch = "resnet18";
    record.options.mode = "all";
    record.evaluated = record.recorded = 4;
  }

  ChallengeStatistics statistics() const {
    return compute_statistics(pairs, input.foreground_labels(), input.background_labels(),
                              testing::identity_map(2), static_cast<int>(input.classes.size()));
  }

  std::string page(const std::vector<VariationResult>& evaluation = {}) const {
    const ChallengeStatistics counts = statistics();
    const std::string text = run_json(record, input, counts);
    return report_page({record, text, input, counts, pairs, map, evaluation});
  }

  ChallengeInput input = testing::fake_input(2, 2, 2);
  ClassMap map = testing::identity_map(2);
  PairMatrix pairs{2, 2};
  RunRecord record;
};

TEST_F(ReportTest, Tables) {
  EXPECT_EQ(foregrounds_csv(input, statistics()),
            "index,name,class,label,vulnerable,evaluated,fooled,first_fooling_background,worst_background,"
            "lowest_margin\n"
            "0,f0.JPEG,00_class,0,0,2,0,,0,1\n"
            "1,f1.JPEG,01_class,1,1,2,1,0,0,-0.5\n");
  EXPECT_EQ(backgrounds_csv(input, statistics()),
            "index,name,class,label,evaluated,fooled,others_evaluated,others_fooled,others_fooled_into_class,"
            "fooled_share,fooled_into_class_share\n"
            "0,\"odd, \"\"quoted\"\" <b>.JPEG\",00_class,0,2,1,1,1,1,1,1\n"
            "1,b1.JPEG,01_class,1,2,0,1,0,0,0,0\n");
}

TEST_F(ReportTest, SharesOfABackgroundAreInTheirOwnColumns) {
  input = testing::fake_input(3, 3, 3);
  pairs = PairMatrix(3, 3);
  pairs.predictions = {1, 0, 0, 2, 1, 1, 2, 2, 2};  // on the first background two are fooled, none into it
  map = testing::identity_map(3);
  const ChallengeStatistics counts =
      compute_statistics(pairs, input.foreground_labels(), input.background_labels(), map, 3);
  EXPECT_THAT(backgrounds_csv(input, counts), HasSubstr("\n0,b0.JPEG,00_class,0,3,2,2,1,0,0.5,0\n"));
  const PairCounts of_pairs =
      count_pairs(pairs, input.foreground_labels(), input.background_labels(), map, 3);
  EXPECT_THAT(of_pairs.fooled[0], ElementsAre(1, 0, 0));
  EXPECT_THAT(of_pairs.taken_for[0], ElementsAre(0, 0, 1, 0)) << "not the foreground of its own class";
  EXPECT_THAT(of_pairs.background_takes[0], ElementsAre(0, 0, 1, 0));
  EXPECT_EQ(largest(of_pairs.taken_for[1]), -1);
}

TEST_F(ReportTest, ARunOfTwoPrecisionsIsAskedForByTheFirst) {
  EXPECT_EQ(asked_precision(record.precision()), "fp32");
  record.screening.emplace().precision = Precision::int8;
  EXPECT_EQ(asked_precision(record.precision()), "int8");
  record.screening->second.emplace().precision = Precision::fp16;
  EXPECT_EQ(record.precision(), "int8, fp16");
  EXPECT_EQ(asked_precision(record.precision()), "int8");
}

TEST_F(ReportTest, WhatIsMissingIsEmptyInTablesAndNullInJson) {
  pairs.predictions = {-1, -1, -1, -1};
  EXPECT_THAT(foregrounds_csv(input, statistics()), HasSubstr("0,f0.JPEG,00_class,0,0,0,0,,,\n"));
  EXPECT_THAT(backgrounds_csv(input, statistics()), HasSubstr("1,b1.JPEG,01_class,1,0,0,0,0,0,,\n"));
  input.classes.push_back("02_class without foregrounds");
  const json run = json::parse(run_json(record, input, statistics()));
  EXPECT_TRUE(run["result"]["classes"][2]["challenge_accuracy"].is_null());
}

TEST_F(ReportTest, RunJson) {
  record.data_path = "not UTF-8: \xff";
  const json run = json::parse(run_json(record, input, statistics()));
  EXPECT_EQ(run["result"]["challenge_accuracy"], 0.5);
  EXPECT_EQ(run["result"]["vulnerable"], 1);
  EXPECT_EQ(run["pairs"]["total"], 4);
  const json& worst = run["result"]["classes"][0]["most_adversarial_backgrounds"][0];
  EXPECT_EQ(worst["index"], 0);
  EXPECT_EQ(worst["fooled_share"], 1);
  EXPECT_TRUE(run["result"]["classes"][1]["most_adversarial_backgrounds"].empty());
}

TEST_F(ReportTest, NamesThatAreNotUtf8AreTheSameEverywhere) {
  input.foregrounds[1].name = "f\xE9.JPEG";
  input.background_names[0].name = "b\xE2\x82,\xF0\x9F\x98\x80\xFF.JPEG";
  const std::string shown = "b\xEF\xBF\xBD,\xF0\x9F\x98\x80\xEF\xBF\xBD.JPEG";
  EXPECT_THAT(foregrounds_csv(input, statistics()), HasSubstr("\n1,f\xEF\xBF\xBD.JPEG,01_class,"));
  EXPECT_THAT(backgrounds_csv(input, statistics()), HasSubstr("\n0,\"" + shown + "\",00_class,"));
  const json run = json::parse(run_json(record, input, statistics()));
  EXPECT_EQ(run["result"]["classes"][0]["most_adversarial_backgrounds"][0]["name"], shown);
  EXPECT_THAT(page(), HasSubstr("b\xEF\xBF\xBD,\xF0\x9F\x98\x80\xEF\xBF\xBD"));
}

TEST_F(ReportTest, BackgroundsAreNotComparedWherePairsWereLeftOut) {
  record.options.mode = "first";
  const json run = json::parse(run_json(record, input, statistics()));
  EXPECT_TRUE(run["result"]["classes"][0]["most_adversarial_backgrounds"].empty());
  EXPECT_THAT(page(), AllOf(HasSubstr("--mode all"), Not(HasSubstr("Background odd"))));
}

TEST_F(ReportTest, PageEscapesNamesAndShowsPictures) {
  EXPECT_THAT(page(), AllOf(StartsWith("<!doctype html>"), HasSubstr("50.00%"),
                            HasSubstr("data:image/jpeg;base64,/9j/"), HasSubstr("a&lt;b&gt;.pt"),
                            Not(HasSubstr("<b>"))));
}

TEST_F(ReportTest, PageSaysWhatIsTakenForWhat) {
  EXPECT_THAT(page(), AllOf(HasSubstr("1 of 1 fooled<br>100% of those into class"),
                            HasSubstr("The foreground of f1.JPEG on background odd"),
                            HasSubstr("taken for class on its worst background (margin -0.50)"),
                            HasSubstr("50.00% are below zero")));
}

TEST_F(ReportTest, PageHasTheTablesOfThePublishedForm) {
  EXPECT_THAT(page(), AllOf(HasSubstr("| resnet18 | 50.0% | - |"), Not(HasSubstr("| BG-Gap |"))));
  EXPECT_THAT(page({{"original", 10, 9}, {"mixed_same", 10, 8}, {"mixed_rand", 10, 6}, {"only_fg", 10, 7}}),
              AllOf(HasSubstr("| resnet18 | 50.0% | 90.0% |"),
                    HasSubstr("| Model | Original | Mixed-Same | Mixed-Rand | BG-Gap | Only-FG |"),
                    HasSubstr("| resnet18 | 90.0% | 80.0% | 60.0% | 20.0% | 70.0% |")));
}

TEST_F(ReportTest, PageShowsFactsThatItDoesNotKnowAndNoTimes) {
  record.search_seconds = 12345;
  const ChallengeStatistics counts = statistics();
  json run = json::parse(run_json(record, input, counts));
  run["audit"] = {{"pairs_checked", 17}, {"largest_error", 0.25}, {"<i>", {1, 2}}};
  const std::string text = run.dump();
  const std::string shown = report_page({record, text, input, counts, pairs, map, {}});
  EXPECT_THAT(shown, AllOf(HasSubstr("Pairs checked</th><td>17"), HasSubstr("Largest error</th><td>0.25"),
                           HasSubstr("&lt;i&gt;</th><td>1, 2"), Not(HasSubstr("12345"))));
  for (const std::string odd : {"", "[]", "{", "{\"a\": null, \"b\": [[1]]}"})
    EXPECT_THAT(report_page({record, odd, input, counts, pairs, map, {}}), HasSubstr("</html>"));
}

TEST(Html, EscapesMarkupControlCharactersAndBadBytes) {
  EXPECT_EQ(escaped("a<b>&\"c"), "a&lt;b&gt;&amp;&quot;c");
  EXPECT_EQ(escaped("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  for (const std::string bad : {"\x01", "\x7F", "\xFF", "\xC3", "\xC0", "\n"})
    EXPECT_EQ(escaped(bad), "\xEF\xBF\xBD");
  EXPECT_EQ(escaped("\xED\xA0\x80").find('\xED'), std::string::npos);  // half a surrogate pair
  EXPECT_EQ(escaped("\xC0\xAF").find('\xC0'), std::string::npos);      // overlong
}

// run.json is written by the JSON library.
TEST(Utf8, IsWhatTheJsonLibraryMakesOfAnyBytes) {
  const auto as_json = [](const std::string& text) {
    return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
  };
  // Those at which what is well-formed begins and ends.
  const std::string bytes =
      "aZ\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF";
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::string text(random() % 8, ' ');
    for (char& c : text) c = bytes[random() % bytes.size()];
    ASSERT_EQ(utf8_text(text), as_json(text)) << json(std::vector<std::uint8_t>(text.begin(), text.end()));
  }
}

TEST(Histogram, HasAnEdgeAtZeroAndCountsEveryFiniteValue) {
  const float infinite = std::numeric_limits<float>::infinity();
  const auto bins = histogram(std::vector<float>{-1.5f, -0.01f, 0, 0.01f, 7, NAN, infinite, -infinite});
  ASSERT_TRUE(bins);
  EXPECT_EQ(total(bins->counts), 5);
  EXPECT_LE(bins->counts.size(), 42u);
  std::int64_t below = 0;
  for (std::size_t i = 0; i < bins->counts.size(); ++i)
    if (bins->first + static_cast<std::int64_t>(i) < 0) below += bins->counts[i];
  EXPECT_EQ(below, 2);
  EXPECT_FALSE(histogram(std::vector<float>{NAN}));
  for (const float extreme : {0.0f, 1e-30f, 3e38f, -3e38f}) {
    const auto one = histogram(std::vector<float>{extreme});
    ASSERT_TRUE(one);
    EXPECT_EQ(total(one->counts), 1) << extreme;
  }
}

TEST(Thumbnail, IsSmallerThanThePhoto) {
  const Image photo{224, 224, std::vector<std::uint8_t>(224 * 224 * 3, 77)};
  EXPECT_LT(thumbnail_address(photo).size(), 4000u);
}

TEST(Thumbnail, AveragesWhatItCovers) {
  Image photo{4 * kThumbnailSize, 2 * kThumbnailSize, {}};
  for (int i = 0; i < photo.height * photo.width * 3; ++i)
    photo.pixels.push_back(i / 3 % 2 == 0 ? 50 : 150);  // columns in turn
  const std::string address = thumbnail_address(photo);
  const Image grey{
      kThumbnailSize, kThumbnailSize / 2,
      std::vector<std::uint8_t>(static_cast<std::size_t>(kThumbnailSize) * kThumbnailSize / 2 * 3, 100)};
  EXPECT_EQ(address, thumbnail_address(grey));
}

TEST(Paste, TakesTheForegroundWhereTheMaskIs) {
  const Foreground foreground{"f", 0, {1, 2, {1, 2, 3, 4, 5, 6}}, {1, 2, {0, 1}}};
  EXPECT_EQ(paste(foreground, {1, 2, {9, 9, 9, 9, 9, 9}}).pixels,
            (std::vector<std::uint8_t>{9, 9, 9, 4, 5, 6}));
  EXPECT_TRUE(paste(foreground, {1, 1, {9, 9, 9}}).pixels.empty());
}

TEST(Profile, SaysWhatMoreThanTheBandwidthMeans) {
  ProfileRecord record;
  LayerProfile& layer = record.searches.emplace_back().layers.emplace_back();
  layer.bandwidth_share = 0.99;
  EXPECT_EQ(bandwidth_note(record), "");
  layer.bandwidth_share = 1.2;
  EXPECT_THAT(bandwidth_note(record), HasSubstr("caches hold the layer's data"));
  EXPECT_THAT(profile_page(record), HasSubstr(bandwidth_note(record)));
}

TEST(Profile, ALayerInAnotherLayersKernelHasNoRate) {
  ProfileRecord record;
  SearchTimes& times = record.searches.emplace_back();
  times.foregrounds = times.backgrounds = 1;
  times.seconds = 1;
  times.layers.resize(2);
  times.layers[0].name = "maxpool";
  times.layers[1].name = "conv1";
  times.layers[1].seconds = 1;
  times.layers[1].multiply_adds = 3e9;
  EXPECT_THAT(profile_page(record),
              AllOf(HasSubstr(", 0.0 GMAC/s"), HasSubstr(", 3.0 GMAC/s"), Not(HasSubstr("nan"))));
}

TEST(Profile, SeveralRunsShowTheirRange) {
  SearchTimes run;
  run.reuse = true;
  run.foregrounds = 1;
  run.backgrounds = 2;
  run.seconds = 1;
  run.layers.resize(1);
  run.layers[0].name = "conv1";
  run.layers[0].seconds = 1e-6;
  ProfileRecord record;
  record.searches = {run};
  EXPECT_THAT(profile_page(record), Not(HasSubstr("smallest")));
  EXPECT_THAT(profile_json(record), Not(HasSubstr("range")));
  EXPECT_EQ(runs_text(run) + runs_note(record), "");
  SearchTimes slower = run;
  slower.seconds = 4;
  slower.other_seconds = 2e-6;
  slower.layers[0].seconds = 5e-6;
  record.searches = {median_of({run, slower, run})};
  EXPECT_EQ(runs_text(record.searches[0]), ", the median of 3 runs from 0.5 to 2.0");
  EXPECT_THAT(runs_note(record), AllOf(HasSubstr("over 3 runs,"), Not(HasSubstr("in turns"))));
  EXPECT_THAT(
      profile_page(record),
      AllOf(HasSubstr("a second, the median of 3 runs from 0.5 to 2.0"), HasSubstr(runs_note(record)),
            HasSubstr("<td>1.0</td><td>1.0 to 5.0</td>"), HasSubstr("<td>0.0</td><td>0.0 to 1.0</td>")));
  const json search = json::parse(profile_json(record))["searches"][0];
  EXPECT_EQ(search["runs"], 3);
  EXPECT_EQ(search["seconds"], 1);
  EXPECT_EQ(search["seconds_range"], json({1, 4}));
  EXPECT_EQ(search["other_seconds_range"], json({0, 2e-6}));
  EXPECT_EQ(search["layers"][0]["seconds_per_composite_range"], json({1e-6, 5e-6}));
  record.searches.push_back(record.searches[0]);
  EXPECT_THAT(runs_note(record), HasSubstr("over 3 runs, in turns, so"));
}

TEST(ClassDisplayName, DropsTheNumberOfAClassFolder) {
  EXPECT_EQ(class_display_name("02_wheeled vehicle"), "wheeled vehicle");
  EXPECT_EQ(class_display_name("dog"), "dog");
  EXPECT_EQ(class_display_name("02_"), "02_");
  EXPECT_EQ(class_display_name(""), "");
}

TEST_F(ReportTest, TheAccountOfARunBelowFp32IsReadBack) {
  const testing::TemporaryFolder temporary;
  ScreeningReport screening;
  screening.precision = Precision::fp8;
  screening.second = {Precision::fp16, {{0, 8, 0.25f, 0.5f, 1}}, 3};
  screening.errors = {{0, 8, 1, 2, 4}, {1, 4, 1, std::numeric_limits<float>::infinity(), 2}};
  screening.set_counts(4, {.second = 3, .rechecked = 2, .audited = 1});
  record.screening = screening;
  EXPECT_EQ(record.precision(), "fp8, fp16");
  const std::string written = run_json(record, input, statistics());
  testing::write_text(temporary.path / "run.json", written);
  const RunRecord read = read_run_record(temporary.path);
  ASSERT_TRUE(read.screening);
  EXPECT_EQ(read.screening->counts(), screening.counts());
  record.screening = read.screening;
  EXPECT_EQ(run_json(record, input, statistics()), written);
  for (const auto& [sound, broken] : {std::pair{"\"fp16\"", "\"fp17\""},
                                      {"\"sample\": 8", "\"sample\": -8"},
                                      {"\"bound\": 4", "\"bound\": 1e300"}}) {
    std::string text = written;
    text.replace(text.find(sound), std::string_view(sound).size(), broken);
    testing::write_text(temporary.path / "run.json", text);
    EXPECT_THROW(read_run_record(temporary.path), Error) << broken;
  }
}

TEST_F(ReportTest, TheWorkOfEarlierSessionsIsReadBack) {
  const testing::TemporaryFolder temporary;
  record.evaluated = 4;
  record.resumed = 3;
  testing::write_text(temporary.path / "run.json", run_json(record, input, statistics()));
  EXPECT_EQ(read_run_record(temporary.path).resumed, 3u);
  record.resumed = 5;
  testing::write_text(temporary.path / "run.json", run_json(record, input, statistics()));
  EXPECT_THROW(read_run_record(temporary.path), Error);
}

TEST_F(ReportTest, ChallengeAccuracyOfAFinishedRun) {
  const testing::TemporaryFolder temporary;
  testing::write_text(temporary.path / "run.json", run_json(record, input, statistics()));
  EXPECT_EQ(challenge_accuracy_of_run(temporary.path, record.model.sha256), 0.5);
  EXPECT_THROW(challenge_accuracy_of_run(temporary.path, std::string(64, 'b')), Error);
  testing::write_text(temporary.path / "run.json", "{\"result\": 1}");
  EXPECT_THROW(challenge_accuracy_of_run(temporary.path, record.model.sha256), Error);
  EXPECT_THROW(challenge_accuracy_of_run(temporary.path / "none", record.model.sha256), Error);
}

}  // namespace
}  // namespace backdrop
