// Shards and manifests.
#include <gmock/gmock.h>

#include "backdrop/error.h"
#include "loaders/npy.h"
#include "search/manifest.h"
#include "search/merge.h"
#include "tests/search/fake_engine.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using ::testing::UnorderedElementsAre;
using testing::write_text;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ClassMaps, AreChosenByFileOrNumberOfClasses) {
  EXPECT_EQ(choose_class_map("", 9)->name, "identity");
  EXPECT_EQ(choose_class_map("", 1000)->name, "published");
  EXPECT_FALSE(choose_class_map("", 2));
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "map.json";
  write_text(file, R"({"0": 3, "1": -1})");
  const auto map = choose_class_map(fs::relative(file), 2);
  EXPECT_THAT(map->map.in9, ElementsAre(3, -1));
  EXPECT_EQ(map->name, file);
}

TEST(Shards, AreParsed) {
  EXPECT_EQ(parse_shard("3/8").index, 3);
  EXPECT_EQ(parse_shard("3/8").count, 8);
  for (const char* text : {"", "3", "0/2", "3/2", "-1/2", "1/2x", "a/b", "1/"})
    EXPECT_THROW(parse_shard(text), Error) << text;
}

TEST(Shards, CoverEveryForegroundOnce) {
  for (const int total : {4, 5, 31, 90}) {
    PairMatrix whole(total, 2);
    for (int i = 1; i <= 4; ++i) {
      const Shard shard{i, 4};
      ChallengeInput input = testing::fake_input(total, 2, 9);
      select_shard(input, shard);
      ASSERT_EQ(static_cast<int>(input.foregrounds.size()), shard_foregrounds(shard, total));
      PairMatrix part(static_cast<int>(input.foregrounds.size()), 2);
      for (int row = 0; row < part.foregrounds; ++row)
        part.predictions[part.index(row, 1)] = static_cast<std::int16_t>(
            testing::number_of(input.foregrounds[static_cast<std::size_t>(row)].image));
      for (int row = 0; row < part.foregrounds; ++row)
        part.margins[part.index(row, 1)] = part.predictions[part.index(row, 1)];
      place_shard(part, shard, whole);
    }
    for (int f = 0; f < total; ++f) EXPECT_EQ(whole.predictions[whole.index(f, 1)], f);
    for (int f = 0; f < total; ++f) EXPECT_EQ(whole.margins[whole.index(f, 1)], f);
  }
}

TEST(Shards, AnswersOfAnotherModelOrSizeAreRefused) {
  const TemporaryFolder temporary;
  const auto write = [&](std::int16_t prediction) {
    const std::size_t shape[] = {1, 2};
    const std::int16_t predictions[] = {-1, prediction};
    const float margins[] = {0, 1};
    write_npy_bytes(temporary.path / "predictions.npy", npy_type<std::int16_t>(), shape,
                    std::as_bytes(std::span(predictions)));
    write_npy_bytes(temporary.path / "margins.npy", npy_type<float>(), shape,
                    std::as_bytes(std::span(margins)));
  };
  write(8);
  EXPECT_EQ(read_answers(temporary.path, 1, 2, 9).predictions[1], 8);
  EXPECT_THAT(message_of([&] { read_answers(temporary.path, 1, 2, 8); }), HasSubstr("holds 8"));
  EXPECT_THAT(message_of([&] { read_answers(temporary.path, 2, 1, 9); }), HasSubstr("not an array of 2 x 1"));
  write(-2);
  EXPECT_THAT(message_of([&] { read_answers(temporary.path, 1, 2, 9); }), HasSubstr("holds -2"));
}

TEST(Identity, IsOfTheNamesOfBoth) {
  const RunIdentity run{{"mode", "all"}, {"shard", "1/2"}};
  const RunIdentity asked{{"mode", "all"}};
  EXPECT_EQ(identity_difference(run, run), "");
  EXPECT_EQ(identity_difference(run, asked), "its shard is 1/2, not not known");
  EXPECT_EQ(identity_difference(asked, run), "its shard is not known, not 1/2");
}

TEST(Shards, MoreThanForegroundsAreRefusedWhicheverItIs) {
  for (const int index : {1, 4}) {
    ChallengeInput input = testing::fake_input(3, 2, 9);
    EXPECT_THAT(message_of([&] { select_shard(input, {index, 4}); }), HasSubstr("n may be at most 3"));
    EXPECT_EQ(input.foregrounds.size(), 3u);
  }
}

TEST(Shards, OfOneRunCompleteAndOnce) {
  const auto shard = [](int index, int count, const std::string& data = "d") {
    const Shard it{index, count};
    return ShardRun{fs::path("s") / std::to_string(index), it, {{"data", data}, {"shard", it.text()}}};
  };
  const auto check = [](std::vector<ShardRun> shards) {
    return message_of([&shards] { check_shards(shards); });
  };
  EXPECT_EQ(check({shard(2, 3), shard(1, 3), shard(3, 3)}), "");
  EXPECT_THAT(check({shard(1, 4), shard(3, 4)}), HasSubstr("missing: shard 2/4, 4/4"));
  EXPECT_THAT(check({shard(1, 2), shard(1, 2)}), HasSubstr("is shard 1/2 like"));
  EXPECT_THAT(check({shard(1, 1), shard(1, 1)}), HasSubstr("is a whole run"));
  EXPECT_THAT(check({shard(1, 2), shard(2, 3)}), HasSubstr("same n"));
  EXPECT_THAT(check({shard(1, 2), shard(2, 2, "e")}), HasSubstr("its data is e, not d"));
}

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() {
    fs::create_directories(root / "b");
    write_text(root / "b" / "two", "2");
    write_text(root / "a one", "1");
    write_text(root / ".hidden", "x");
  }

  TemporaryFolder temporary;
  fs::path root = temporary.path / "data";
  ThreadPool pool{2};
};

TEST_F(ManifestTest, IsSortedAndPassesOverHiddenNames) {
  EXPECT_EQ(make_manifest(root, pool),
            "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  a one\n"
            "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35  b/two\n");
}

TEST_F(ManifestTest, IsReadBySha256sum) {
  if (std::system("sha256sum --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "sha256sum is missing";
  write_text(root / "line\nbreak \\ and more", "3");
  write_text(temporary.path / "manifest", make_manifest(root, pool));
  const std::string command = "cd '" + root.string() + "' && sha256sum --quiet --strict -c ../manifest";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_F(ManifestTest, DifferencesAreNamed) {
  const std::string before = make_manifest(root, pool);
  EXPECT_TRUE(compare_manifests(before, make_manifest(root, pool), "m").empty());
  write_text(root / "b" / "two", "22");
  fs::rename(root / "a one", root / "three");
  EXPECT_THAT(compare_manifests(before, make_manifest(root, pool), "m"),
              UnorderedElementsAre("missing: a one", "changed: b/two", "not listed: three"));
}

TEST_F(ManifestTest, NamesMayBeginWithTheFolderTheyWereMadeIn) {
  const std::string found = make_manifest(root, pool);
  std::string expected = found;
  expected.insert(expected.find("  ") + 2, "./");
  EXPECT_TRUE(compare_manifests(expected, found, "m").empty());
}

TEST_F(ManifestTest, OtherTextsAreRefused) {
  const std::string good = make_manifest(root, pool);
  for (const std::string text : {"", "hello\n", "6b86  a\n"})
    EXPECT_THAT(message_of([&] { compare_manifests(text, good, "m"); }), HasSubstr("m: ")) << text;
}

TEST_F(ManifestTest, LinksAreFollowedButNotInACircle) {
  fs::create_directory_symlink("b", root / "c");
  EXPECT_THAT(make_manifest(root, pool), HasSubstr("  c/two\n"));
  fs::create_directory_symlink("..", root / "b" / "up");
  EXPECT_THAT(message_of([&] { make_manifest(root, pool); }), HasSubstr("circle"));
  fs::remove(root / "b" / "up");
  fs::create_symlink("itself", root / "itself");
  EXPECT_THAT(message_of([&] { make_manifest(root, pool); }), HasSubstr("cannot be followed"));
}

}  // namespace
}  // namespace backdrop
