// The run's text files: quoting, escaping, numbers that are missing.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "backdrop/error.h"
#include "report/evaluation_record.h"
#include "report/run_record.h"
#include "report/thumbnail.h"
#include "tests/search/fake_engine.h"
#include "tests/search/temporary_folder.h"

namespace backdrop {
namespace {

using nlohmann::json;
using ::testing::AllOf;
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

  ChallengeInput input = testing::fake_input(2, 2, 2);
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

TEST_F(ReportTest, BackgroundsAreNotComparedWherePairsWereLeftOut) {
  record.options.mode = "first";
  const json run = json::parse(run_json(record, input, statistics()));
  EXPECT_TRUE(run["result"]["classes"][0]["most_adversarial_backgrounds"].empty());
  EXPECT_THAT(report_page(record, input, statistics()),
              AllOf(HasSubstr("--mode all"), Not(HasSubstr("<img"))));
}

TEST_F(ReportTest, PageEscapesNamesAndShowsPictures) {
  const std::string page = report_page(record, input, statistics());
  EXPECT_THAT(page, AllOf(StartsWith("<!doctype html>"), HasSubstr("50.00%"),
                          HasSubstr("data:image/jpeg;base64,/9j/"), HasSubstr("a&lt;b&gt;.pt"),
                          Not(HasSubstr("<b>"))));
}

TEST(Thumbnail, IsSmallerThanThePhoto) {
  const Image photo{224, 224, std::vector<std::uint8_t>(224 * 224 * 3, 77)};
  EXPECT_LT(thumbnail_address(photo).size(), 4000u);
}

TEST(ClassDisplayName, DropsTheNumberOfAClassFolder) {
  EXPECT_EQ(class_display_name("02_wheeled vehicle"), "wheeled vehicle");
  EXPECT_EQ(class_display_name("dog"), "dog");
  EXPECT_EQ(class_display_name("02_"), "02_");
  EXPECT_EQ(class_display_name(""), "");
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
