// The demo data: a sound IN-9 tree, the same on every machine, each variation what its name says.
#include <gmock/gmock.h>

#include <map>

#include "backdrop/error.h"
#include "core/hash.h"
#include "loaders/dataset.h"
#include "loaders/demo_background.h"
#include "loaders/demo_data.h"
#include "loaders/demo_foreground.h"
#include "loaders/demo_variations.h"
#include "loaders/mask.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

namespace fs = std::filesystem;

std::string hash_of_pixels(const fs::path& root, const std::string& variation) {
  Sha256 hash;
  for (const Sample& sample : list_samples(root, variation)) {
    const Image image = read_image(sample.path);
    hash.update(image.pixels.data(), image.pixels.size());
  }
  return hash.hex();
}

class DemoData : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    write_demo_data(root(), {.images_per_class = 3, .seed = 1});
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static fs::path root() { return folder_->path / "demo"; }

  static TemporaryFolder* folder_;
};

TemporaryFolder* DemoData::folder_ = nullptr;

TEST_F(DemoData, IsACompleteTree) {
  for (const std::string& variation : in9_variations()) {
    const std::vector<Sample> samples = list_samples(root(), variation);
    ASSERT_EQ(samples.size(), 27u) << variation;
    EXPECT_EQ(samples[6].label, 2);
    EXPECT_EQ(samples[6].path.parent_path().filename(), "02_wheeled vehicle");
  }
  EXPECT_EQ(list_foregrounds(root()).size(), 27u);
  EXPECT_EQ(list_samples(root(), "original")[0].path.filename(), "n02084071_0001.JPEG");
}

TEST_F(DemoData, HasTheSamePixelsOnEveryMachine) {
  const std::map<std::string, std::string> golden = {
      {"original", "8ed9bff2b910d5d432b43246933cee282f1deeafb89a65f7d871b9dec83500ef"},
      {"mixed_same", "3a06a47acdcd52209fa0895cb539bb0a44f63f89201d00bfbbc588d2a565d93a"},
      {"mixed_rand", "1abf7fcd05ff32fb96a85c0bf12f966d68e60928d9354cb91feb8e0b877714a4"},
      {"mixed_next", "7eeffc8f9d63e22f9ff576dbd6116c57eac0aeb446b94e05ae1f4173c2cfd091"},
      {"only_fg", "9c3952988517fe72b2d31dddfdd2515992243352fcfb26a6a092830be5c0a818"},
      {"no_fg", "50dbfdc6a95b3b9b7a2d0dc5b47ce8f846e03340359cd4e16d73ccad1521f548"},
      {"only_bg_b", "ea13857d554a7cf898983f818f3ac4b5cc19642ebeef382c6540ed7562651139"},
      {"only_bg_t", "db8fe8ea6629d3f9b524ebaee1fe5a0ae33fe2572c0e06101387431bd49fde87"},
  };
  for (const auto& [variation, hash] : golden)
    EXPECT_EQ(hash_of_pixels(root(), variation), hash) << variation;
}

TEST_F(DemoData, MasksAreExact) {
  double covered = 0;
  const std::vector<ForegroundFile> foregrounds = list_foregrounds(root());
  for (const ForegroundFile& file : foregrounds) {
    const Mask mask = read_mask(file.mask);
    ASSERT_EQ(mask.height, kImageSize);
    ASSERT_EQ(mask.width, kImageSize);
    std::size_t area = 0;
    for (const std::uint8_t value : mask.values) area += value;
    const double share = static_cast<double>(area) / static_cast<double>(mask.values.size());
    EXPECT_GT(share, 0.08) << file.mask;
    EXPECT_LT(share, 0.32) << file.mask;
    covered += share;
  }
  EXPECT_NEAR(covered / static_cast<double>(foregrounds.size()), 0.19, 0.03);
}

TEST_F(DemoData, FirstImagesDoNotDependOnTheCount) {
  const TemporaryFolder more;
  write_demo_data(more.path, {.images_per_class = 12, .seed = 1});
  for (const char* name :
       {"original/val/00_dog/n02084071_0002.JPEG", "fg_mask/val/08_fish/n02512053_0003.npy"})
    EXPECT_EQ(testing::read_text(more.path / name), testing::read_text(root() / name)) << name;
  EXPECT_EQ(list_samples(more.path, "mixed_rand").size(), 108u);
}

TEST_F(DemoData, SeedsDiffer) {
  const TemporaryFolder other;
  write_demo_data(other.path, {.images_per_class = 1, .seed = 2});
  EXPECT_NE(hash_of_pixels(other.path, "original"), hash_of_pixels(root(), "original"));
}

TEST_F(DemoData, RefusesAFolderInUseAndSillyCounts) {
  const auto code_of = [](const fs::path& path, int count) {
    try {
      write_demo_data(path, {.images_per_class = count, .seed = 1});
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode{};
  };
  const TemporaryFolder folder;
  EXPECT_EQ(code_of(root(), 1), ErrorCode::usage);
  EXPECT_EQ(code_of(folder.write("file", "x"), 1), ErrorCode::usage);
  EXPECT_EQ(code_of(folder.path / "a", 0), ErrorCode::usage);
  EXPECT_EQ(code_of(folder.path / "a", 10000), ErrorCode::usage);
  EXPECT_EQ(code_of(folder.path / "file" / "a", 1), ErrorCode::failed);
  EXPECT_FALSE(fs::exists(folder.path / "a"));
}

/// A photo whose pixel (x, y) is (x, y, 100), and a mask of the columns 10..19 in the rows 30..49 but for one
/// pixel.
struct Ruler {
  Image photo{.height = kImageSize, .width = kImageSize, .pixels = {}};
  Mask mask{.height = kImageSize, .width = kImageSize, .values = {}};

  Ruler() {
    for (int y = 0; y < kImageSize; ++y)
      for (int x = 0; x < kImageSize; ++x) {
        for (const int value : {x, y, 100}) photo.pixels.push_back(static_cast<std::uint8_t>(value));
        mask.values.push_back(x >= 10 && x < 20 && y >= 30 && y < 50 && !(x == 15 && y == 40));
      }
  }
};

std::vector<int> pixel_at(const Image& image, int x, int y) {
  const auto* pixel = image.pixels.data() + (y * image.width + x) * 3;
  return {pixel[0], pixel[1], pixel[2]};
}

TEST(DemoVariations, AreWhatTheirNamesSay) {
  using Pixel = std::vector<int>;
  const Ruler ruler;
  const Pixel black = {0, 0, 0};
  const Image only_fg = demo::only_foreground(ruler.photo, ruler.mask);
  EXPECT_EQ(pixel_at(only_fg, 12, 33), Pixel({12, 33, 100}));
  EXPECT_EQ(pixel_at(only_fg, 15, 40), black);
  EXPECT_EQ(pixel_at(only_fg, 9, 33), black);

  const Image no_fg = demo::no_foreground(ruler.photo, ruler.mask);
  EXPECT_EQ(pixel_at(no_fg, 12, 33), black);
  EXPECT_EQ(pixel_at(no_fg, 15, 40), Pixel({15, 40, 100}));

  const Image boxed = demo::background_with_box(ruler.photo, ruler.mask);
  EXPECT_EQ(pixel_at(boxed, 15, 40), black);
  EXPECT_EQ(pixel_at(boxed, 19, 49), black);
  EXPECT_EQ(pixel_at(boxed, 20, 49), Pixel({20, 49, 100}));

  // The widest strip is the one to the right, columns 20..223.
  const Image tiled = demo::background_tiled(ruler.photo, ruler.mask);
  EXPECT_EQ(pixel_at(tiled, 12, 33), Pixel({32, 33, 100}));
  EXPECT_EQ(pixel_at(tiled, 9, 33), Pixel({9, 33, 100}));

  Image white = ruler.photo;
  white.pixels.assign(white.pixels.size(), 255);
  const Image pasted = demo::paste(ruler.photo, ruler.mask, white);
  EXPECT_EQ(pixel_at(pasted, 12, 33), Pixel({12, 33, 100}));
  EXPECT_EQ(pixel_at(pasted, 15, 40), Pixel({255, 255, 255}));
}

}  // namespace
}  // namespace backdrop
