// The data tree: what is listed, in which order, and what is said about a tree that is not as it should be.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "loaders/dataset.h"
#include "tests/loaders/refusal.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::refusal;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

namespace fs = std::filesystem;

const char* const kClassNames[] = {"00_dog",       "01_bird",   "02_wheeled vehicle",    "03_reptile",
                                   "04_carnivore", "05_insect", "06_musical instrument", "07_primate",
                                   "08_fish"};

/// Photos a.JPEG and b.JPEG in every class of `original`, a mask for a.JPEG in every class.
class DatasetTest : public ::testing::Test {
 protected:
  DatasetTest() {
    for (const std::string name : kClassNames) {
      photo(name + "/b.JPEG");
      photo(name + "/a.JPEG");
      mask(name + "/a.npy");
    }
  }
  void photo(const std::string& name) { folder_.write("original/val/" + name, "x"); }
  void mask(const std::string& name) { folder_.write("fg_mask/val/" + name, "x"); }
  fs::path original(const std::string& name) const { return root() / "original/val" / name; }
  fs::path masks(const std::string& name) const { return root() / "fg_mask/val" / name; }
  const fs::path& root() const { return folder_.path; }

  TemporaryFolder folder_;
};

TEST_F(DatasetTest, ListsClassesPhotosAndForegrounds) {
  EXPECT_THAT(list_classes(root(), "original"), ::testing::ElementsAreArray(kClassNames));
  const std::vector<Sample> samples = list_samples(root(), "original");
  ASSERT_EQ(samples.size(), 18u);
  EXPECT_EQ(samples[4].path, original("02_wheeled vehicle/a.JPEG"));
  EXPECT_EQ(samples[5].path, original("02_wheeled vehicle/b.JPEG"));
  EXPECT_EQ(samples[5].label, 2);
  const std::vector<ForegroundFile> foregrounds = list_foregrounds(root());
  ASSERT_EQ(foregrounds.size(), 9u);
  EXPECT_EQ(foregrounds[6].image, original("06_musical instrument/a.JPEG"));
  EXPECT_EQ(foregrounds[6].mask, masks("06_musical instrument/a.npy"));
  EXPECT_EQ(foregrounds[6].label, 6);
  EXPECT_TRUE(has_variation(root(), "original"));
  EXPECT_FALSE(has_variation(root(), "mixed_rand"));
}

TEST_F(DatasetTest, NamesTheVariationsInTheOrderOfThePublishedTable) {
  EXPECT_THAT(in9_variations(), ElementsAre("original", "mixed_same", "mixed_rand", "mixed_next", "only_fg",
                                            "no_fg", "only_bg_b", "only_bg_t"));
}

TEST_F(DatasetTest, SortsByBytesAndPassesOverOtherFiles) {
  for (const char* name :
       {"00_dog/Z.jpg", "00_dog/\xC3\xA9.Jpeg", "00_dog/c.PNG", "00_dog/.hidden.JPEG", "00_dog/._a.JPEG",
        "00_dog/Thumbs.db", "00_dog/notes", ".DS_Store", "README.txt", ".cache/x.JPEG", "00_dog/sub/x.JPEG"})
    photo(name);
  mask("README.txt");
  mask("00_dog/.a.npy");
  mask("00_dog/notes.txt");
  std::vector<std::string> names;
  for (const Sample& sample : list_samples(root(), "original"))
    if (sample.label == 0) names.push_back(sample.path.filename().string());
  EXPECT_THAT(names, ElementsAre("Z.jpg", "a.JPEG", "b.JPEG", "c.PNG", "\xC3\xA9.Jpeg"));
  EXPECT_EQ(list_foregrounds(root()).size(), 9u);
}

TEST_F(DatasetTest, MasksOfSomeClassesAreEnough) {
  fs::remove_all(masks("03_reptile"));
  std::vector<std::string> notes;
  EXPECT_EQ(list_foregrounds(root(), &notes).size(), 8u);
  EXPECT_THAT(notes, Contains(HasSubstr("class 03_reptile has no folder")));
}

TEST_F(DatasetTest, RefusesAClassFolderWithoutMasks) {
  fs::remove(masks("00_dog/a.npy"));
  EXPECT_THAT(refusal([&] { list_foregrounds(root()); }),
              AllOf(HasSubstr("fg_mask/val/00_dog"), HasSubstr("holds no masks")));
}

TEST_F(DatasetTest, SaysWhatItPassesOver) {
  photo("00_dog/c.webp");
  photo("01_bird/d.JPEG/inside");
  photo("01_bird/.hidden");
  mask("02_wheeled vehicle/a.txt");
  ASSERT_EQ(::mkfifo(original("03_reptile/pipe.JPEG").c_str(), 0600), 0);
  std::vector<std::string> notes;
  EXPECT_EQ(list_samples(root(), "original", &notes).size(), 18u);
  EXPECT_THAT(notes, ElementsAre(AllOf(HasSubstr("original: passed over 3"), HasSubstr("00_dog/c.webp"))));
  notes.clear();
  EXPECT_EQ(list_foregrounds(root(), &notes).size(), 9u);
  EXPECT_THAT(notes,
              ElementsAre(HasSubstr("original: passed over 3"), HasSubstr("fg_mask: passed over 1"),
                          AllOf(HasSubstr("9 of 18 photos have no mask"), HasSubstr("00_dog/b.JPEG"))));
}

TEST_F(DatasetTest, VariationsNeedTheSameClasses) {
  for (const char* variation : {"mixed_same", "mixed_rand"})
    for (const std::string name : kClassNames)
      folder_.write(std::string(variation) + "/val/" + name + "/a.JPEG", "x");
  folder_.write("only_fg/val/dog/a.JPEG", "x");  // incomplete: refused where it is read
  check_class_names(root());
  for (const char* variation : {"original", "mixed_same", "mixed_rand"}) {
    const fs::path classes = root() / variation / "val";
    fs::rename(classes / "00_dog", classes / "dog");
    EXPECT_THAT(refusal([&] { check_class_names(root()); }),
                AllOf(HasSubstr((classes / "dog").string()), HasSubstr("00_dog")));
    fs::rename(classes / "dog", classes / "00_dog");
  }
}

TEST_F(DatasetTest, FollowsLinks) {
  fs::rename(original("00_dog"), root() / "elsewhere");
  fs::create_directory_symlink(root() / "elsewhere", original("00_dog"));
  EXPECT_EQ(list_samples(root(), "original").size(), 18u);
}

TEST_F(DatasetTest, RefusesAMissingFolder) {
  EXPECT_THAT(refusal([&] { list_classes(root() / "absent", "original"); }),
              HasSubstr("no such data folder"));
  EXPECT_THAT(refusal([&] { list_samples(root(), "mixed_rand"); }), HasSubstr("has no 'mixed_rand'"));
  fs::remove_all(root() / "fg_mask");
  EXPECT_THAT(refusal([&] { list_foregrounds(root()); }), HasSubstr("has no 'fg_mask'"));
}

TEST_F(DatasetTest, SaysWhereAMissingVariationIs) {
  const std::string said = fmt::format("; '{}' has one: is that the data folder?", root().string());
  for (const fs::path& given : {root() / "original", root() / "original/", root() / "original/val/00_dog"})
    EXPECT_EQ(data_root_hint(given, "original"), said) << given;
  EXPECT_EQ(data_root_hint(root().parent_path() / "none", "original"), "");
  EXPECT_EQ(data_root_hint(root(), "mixed_rand"), "");
  folder_.write("outer/b/only_fg/val/x", "x");
  folder_.write("outer/a/only_fg/val/x", "x");
  EXPECT_THAT(data_root_hint(root() / "outer", "only_fg"), HasSubstr("outer/a' has one"));
  EXPECT_THAT(refusal([&] { list_classes(root() / "fg_mask", "original"); }), HasSubstr(said));
}

TEST_F(DatasetTest, RefusesOtherThanNineClasses) {
  fs::remove_all(original("08_fish"));
  EXPECT_THAT(refusal([&] { list_classes(root(), "original"); }),
              HasSubstr("holds 8 class folders where IN-9 has 9"));
  photo("08_fish/a.JPEG");
  photo("09_extra/a.JPEG");
  EXPECT_THAT(refusal([&] { list_classes(root(), "original"); }), HasSubstr("holds 10 class folders"));
  fs::remove_all(root() / "original/val");
  fs::create_directories(root() / "original/val");
  EXPECT_THAT(refusal([&] { list_classes(root(), "original"); }), HasSubstr("holds 0 class folders"));
}

TEST_F(DatasetTest, RefusesAClassWithoutPhotos) {
  fs::remove(original("07_primate/a.JPEG"));
  fs::remove(original("07_primate/b.JPEG"));
  EXPECT_THAT(refusal([&] { list_samples(root(), "original"); }), HasSubstr("07_primate: holds no photos"));
}

TEST_F(DatasetTest, RefusesMasksWithoutTheirPhoto) {
  mask("05_insect/z.npy");
  const std::string message = refusal([&] { list_foregrounds(root()); });
  EXPECT_THAT(message, HasSubstr("05_insect/z.npy: has no photo: there is no 'z.JPEG'"));
  fs::remove(masks("05_insect/z.npy"));
  mask("dog/a.npy");
  EXPECT_THAT(refusal([&] { list_foregrounds(root()); }), HasSubstr("is not a class of 'original'"));
}

TEST_F(DatasetTest, RefusesAnAmbiguousPhotoAndATreeWithoutMasks) {
  photo("00_dog/a.png");
  EXPECT_THAT(refusal([&] { list_foregrounds(root()); }), HasSubstr("differ only in their extension"));
  fs::remove(original("00_dog/a.png"));
  for (const std::string name : kClassNames) fs::remove(masks(name + "/a.npy"));
  EXPECT_THAT(refusal([&] { list_foregrounds(root()); }), HasSubstr("holds no masks"));
}

TEST_F(DatasetTest, RefusesBrokenLinksAndLoops) {
  fs::create_symlink("nowhere", original("00_dog/broken.JPEG"));
  EXPECT_THAT(refusal([&] { list_samples(root(), "original"); }), HasSubstr("is a link to nothing"));
  fs::remove(original("00_dog/broken.JPEG"));
  fs::create_symlink("loop.JPEG", original("00_dog/loop.JPEG"));
  EXPECT_THAT(refusal([&] { list_samples(root(), "original"); }), HasSubstr("cannot be followed"));
}

TEST_F(DatasetTest, RefusesAFolderThatCannotBeRead) {
  fs::permissions(original("00_dog"), fs::perms::none);
  const bool reads_everything = ::access(original("00_dog").c_str(), R_OK) == 0;
  if (!reads_everything) {
    EXPECT_THAT(refusal([&] { list_samples(root(), "original"); }), HasSubstr("cannot be read as a folder"));
  }
  fs::permissions(original("00_dog"), fs::perms::owner_all);
  if (reads_everything) GTEST_SKIP() << "this user may read every folder";
}

}  // namespace
}  // namespace backdrop
