// Class maps: the built-in ones and every way a file can be wrong.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "loaders/class_map.h"
#include "tests/loaders/refusal.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(ClassMap, IsTheIdentityForNineClasses) {
  EXPECT_THAT(default_class_map(9).in9, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(ClassMap, IsThePublishedMapForAThousand) {
  const std::vector<int> map = default_class_map(1000).in9;
  ASSERT_EQ(map.size(), 1000u);
  std::vector<long> counts;
  for (int label = -1; label < 9; ++label) counts.push_back(std::count(map.begin(), map.end(), label));
  EXPECT_THAT(counts, ElementsAre(630, 116, 52, 42, 36, 35, 27, 26, 20, 16));
  EXPECT_EQ(map[151], 0);   // Chihuahua
  EXPECT_EQ(map[6], 8);     // stingray
  EXPECT_EQ(map[402], 6);   // acoustic guitar
  EXPECT_EQ(map[403], -1);  // aircraft carrier
  EXPECT_EQ(map[999], -1);  // toilet tissue
}

TEST(ClassMap, EqualsThePublishedFile) {
  const char* shared = std::getenv("BACKDROP_SHARED");
  const std::filesystem::path file =
      (shared ? std::filesystem::path(shared) : std::filesystem::path(BACKDROP_SOURCE_DIR) / "../shared") /
      "data/in_to_in9.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no published map: " << file << " is absent";
  EXPECT_EQ(read_class_map(file, 1000).in9, default_class_map(1000).in9);
}

TEST(ClassMap, OtherCountsNeedAFile) {
  for (const int classes : {0, 1, 10, 999, 1001, 21841}) {
    try {
      default_class_map(classes);
      ADD_FAILURE() << classes;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), HasSubstr("needs a class map"));
    }
  }
}

TEST(ClassMap, ReadsAFile) {
  const TemporaryFolder folder;
  const auto path = folder.write("map.json", R"( {"2": 8, "0": -1, "1": 3} )");
  EXPECT_THAT(read_class_map(path, 3).in9, ElementsAre(-1, 3, 8));
}

TEST(ClassMap, RefusesBrokenFiles) {
  const std::pair<const char*, const char*> table[] = {
      {"", "is empty"},
      {"<!doctype html>", "is an HTML or XML page"},
      {"{\"0\": 1", "is not valid JSON"},
      {"{\"0\": 1, \"1\": 2} x", "is not valid JSON"},
      {"{\"0\": \"\xFF\"}", "is not valid JSON"},
      {"[1, 2]", "is not a JSON object"},
      {"3", "is not a JSON object"},
      {"null", "is not a JSON object"},
      {R"({"0": [1], "1": 2})", "is not a flat object"},
      {R"({"0": {"1": 2}})", "is not a flat object"},
      {R"([[1]])", "is not a flat object"},
      {R"({"0": 1})", "lacks class 1"},
      {R"({})", "lacks class 0"},
      {R"({"0": 1, "1": 2, "2": 3})", "maps class 2, but the model has the classes 0 to 1"},
      {R"({"0": 1, "1": 2, "-1": 3})", "maps class -1"},
      {R"({"0": 1, "0": 2})", "gives class \"0\" twice"},
      {R"({"0": 1, "01": 2})", "has the key \"01\""},
      {R"({"0": 1, "dog": 2})", "has the key \"dog\""},
      {R"({"0": 1, "99999999999999999999": 2})", "has the key"},
      {R"({"0": 9, "1": 2})", "maps class 0 to 9; labels are -1 (none) to 8"},
      {R"({"0": -2, "1": 2})", "maps class 0 to -2"},
      {R"({"0": 1.0, "1": 2})", "maps class 0 to 1.0"},
      {R"({"0": "1", "1": 2})", "maps class 0 to \"1\""},
      {R"({"0": null, "1": 2})", "maps class 0 to null"},
      {R"({"0": true, "1": 2})", "maps class 0 to true"},
      {R"({"0": 18446744073709551615, "1": 2})", "maps class 0 to 18446744073709551615"},
  };
  const TemporaryFolder folder;
  for (const auto& [content, reason] : table) {
    const auto path = folder.write("map.json", content);
    const std::string message = refusal([&] { read_class_map(path, 2); });
    EXPECT_THAT(message, HasSubstr("map.json: ")) << content;
    EXPECT_THAT(message, HasSubstr(reason)) << content;
  }
  EXPECT_THAT(refusal([&] { read_class_map(folder.path / "absent.json", 2); }), HasSubstr("no such file"));
  const auto deep = folder.write("deep.json", std::string(200000, '['));
  EXPECT_THAT(refusal([&] { read_class_map(deep, 2); }), HasSubstr("is not a flat object"));
}

TEST(ClassMap, IsReadBackFromItsText) {
  for (const int classes : {9, 1000}) {
    const ClassMap map = default_class_map(classes);
    EXPECT_EQ(parse_class_map_text(class_map_text(map), classes, "run.json").in9, map.in9);
  }
  for (const char* text : {"", "0*9x", "0*8", "0*10", "9*9", "-2*9", "0*-1 0*9", "0*9 ", " 0*9", "0",
                           "0*9 1*1", "0*4,1*5", "0*99999999999"})
    EXPECT_THAT(refusal([&] { parse_class_map_text(text, 9, "run.json"); }), HasSubstr("damaged class map"))
        << text;
}

}  // namespace
}  // namespace backdrop
