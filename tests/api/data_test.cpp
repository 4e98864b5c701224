// What a search runs on, apart from searching: the threads that it takes, parts of it, looking at it.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <optional>
#include <thread>

#include "backdrop/error.h"
#include "backdrop/search.h"
#include "backdrop/search_data.h"
#include "loaders/demo_data.h"
#include "report/run_reader.h"
#include "tests/api/scene.h"
#include "tests/temporary_folder.h"

namespace backdrop::test {
namespace {

namespace fs = std::filesystem;
using backdrop::testing::TemporaryFolder;

int threads_now() {
  const fs::directory_iterator tasks("/proc/self/task");
  return static_cast<int>(std::distance(begin(tasks), end(tasks)));
}

/// The most threads that this process has at a time while `work` runs, beyond those that it has before.
template <typename Work>
int threads_of(Work&& work) {
  std::atomic<bool> done = false;
  std::atomic<int> before = 0;
  int most = 0;
  std::thread watcher([&] {
    before = most = threads_now();
    while (!done) most = std::max(most, threads_now());
  });
  while (before == 0) std::this_thread::yield();
  work();
  done = true;
  watcher.join();
  return most - before;
}

TEST(PublicData, TakesNoMoreThreadsThanItIsGiven) {
  const TemporaryFolder folder;
  write_demo_data(folder.path, {.images_per_class = 3});
  std::optional<SearchData> data;
  EXPECT_LE(threads_of([&] { data = SearchData::load(folder.path, 1); }), 1);
  EXPECT_LE(threads_of([&] { data->sha256(); }), 1);
}

TEST(PublicData, IsHashedWithTheThreadsOfTheSearch) {
  const TemporaryFolder folder;
  Session session(Model::load(kDemoCheckpoint), {.device = "cpu", .threads = 1, .batch = 4});
  const SearchData data = OwnScene(1, 100).data();
  const auto search_some = [&] {
    search(session, data, {.out = folder.path / "run", .existing = ExistingRun::replace, .most_pairs = 1});
  };
  EXPECT_LE(threads_of(search_some), 1);
  EXPECT_LE(threads_of([&] { data.sha256(); }), 0);  // it is known
}

TEST(PublicData, RefusesThreadsThatAreNone) {
  for (const int threads : {-1, 4097})
    EXPECT_THAT([&] { SearchData::load("no-such-folder", threads); },
                ::testing::ThrowsMessage<Error>(::testing::HasSubstr("threads: 0 to 4096 are possible")));
}

TEST(PublicDataPart, IsTheDataOfItsMembers) {
  const OwnScene scene(4, 6, 16);
  const SearchData part = scene.data().part(std::array{3, 1}, std::array{5, 0, 2});
  const std::vector<ForegroundView> foregrounds{scene.foregrounds[3], scene.foregrounds[1]};
  const std::vector<BackgroundView> backgrounds{scene.backgrounds[5], scene.backgrounds[0],
                                                scene.backgrounds[2]};
  EXPECT_EQ(part.sha256(), SearchData::copy(foregrounds, backgrounds).sha256());
  EXPECT_EQ(part.foregrounds(), 2);
  EXPECT_EQ(part.backgrounds(), 3);
  EXPECT_EQ(part.class_names().size(), 9u);
  EXPECT_EQ(part.foreground_name(0), "f3");
  EXPECT_EQ(part.background_labels()[0], 5);
  EXPECT_EQ(part.part(std::array{1}, std::array{2, 1}).background_name(0), "b2");
}

TEST(PublicDataPart, IsAnsweredAsInTheWhole) {
  Session session(Model::load(kDemoCheckpoint), {.device = "cpu", .batch = 4});
  const SearchData data = OwnScene(4, 5).data();
  const SearchAnswers whole = search(session, data);
  const std::array foregrounds{2, 0};
  const std::array backgrounds{4, 1, 3};
  const SearchAnswers some = search(session, data.part(foregrounds, backgrounds));
  ASSERT_EQ(some.predictions.size(), 6u);
  for (std::size_t f = 0; f < 2; ++f)
    for (std::size_t b = 0; b < 3; ++b) {
      const auto place = static_cast<std::size_t>(5 * foregrounds[f] + backgrounds[b]);
      EXPECT_EQ(some.predictions[3 * f + b], whole.predictions[place]);
      EXPECT_NEAR(some.margins[3 * f + b], whole.margins[place], 1e-3f);
    }
}

TEST(PublicDataPart, SharesTheBackgroundsThatItTakesInOrder) {
  const SearchData data = OwnScene(2, 3, 16).data();
  const auto first_pixel = [](const SearchData& of) { return of.background_photo(0).pixels.data(); };
  EXPECT_EQ(first_pixel(data.part(std::array{1}, std::array{0, 1, 2})), first_pixel(data));
  EXPECT_NE(first_pixel(data.part(std::array{1}, std::array{0, 2, 1})), first_pixel(data));
}

TEST(PublicDataPart, OutlivesTheWhole) {
  const OwnScene scene(2, 3, 16);
  const SearchData part = scene.data().part(std::array{1}, std::array{0, 1, 2});
  EXPECT_TRUE(std::ranges::equal(part.background_photo(2).pixels, scene.backgrounds[2].photo.pixels));
}

TEST(PublicDataPart, RefusesIndicesThatAreNone) {
  const SearchData data = OwnScene(2, 3, 16).data();
  const std::vector<int> good{0};
  for (const std::vector<int>& bad : {std::vector<int>{}, {-1}, {3}, {0, 1, 0}}) {
    EXPECT_THROW(data.part(bad, good), Error);
    EXPECT_THROW(data.part(good, bad), Error);
  }
}

TEST(PublicDataPart, NamesNoFolderInResults) {
  const TemporaryFolder folder;
  write_demo_data(folder.path / "data", {.images_per_class = 1});
  Session session(Model::load(kDemoCheckpoint), {.device = "cpu"});
  const SearchData data = SearchData::load(folder.path / "data");
  search(session, data.part(std::array{0}, std::array{0}), {.out = folder.path / "run"});
  EXPECT_EQ(read_run_record(folder.path / "run").data_path, "");
}

TEST(PublicDataViews, ShowPhotosAndMasks) {
  const OwnScene scene(2, 3, 16);
  const SearchData data = scene.data();
  const auto expect_same = [](const ImageView& view, const ImageView& expected) {
    EXPECT_EQ(view.height, expected.height);
    EXPECT_EQ(view.width, expected.width);
    EXPECT_TRUE(std::ranges::equal(view.pixels, expected.pixels));
  };
  expect_same(data.foreground_photo(1), scene.foregrounds[1].photo);
  expect_same(data.background_photo(2), scene.backgrounds[2].photo);
  EXPECT_TRUE(std::ranges::equal(data.foreground_mask(1).values, scene.masks[1]));
  EXPECT_EQ(data.foreground_mask(1).height, 16);
  for (const int index : {-1, 3}) {
    EXPECT_THROW(data.foreground_photo(index), Error);
    EXPECT_THROW(data.foreground_mask(index), Error);
    EXPECT_THROW(data.background_photo(index), Error);
    EXPECT_THROW(data.composite(index, 0), Error);
    EXPECT_THROW(data.composite(0, index), Error);
  }
}

/// Keeps what it is asked.
class Keeper : public Classifier {
 public:
  int classes() const override { return 9; }
  void classify(const PhotoBatch& photos, std::span<float> logits) override {
    std::ranges::fill(logits, 0.0f);
    pixels.insert(pixels.end(), photos.pixels.begin(), photos.pixels.end());
  }

  std::vector<std::uint8_t> pixels;
};

TEST(PublicDataViews, MakeTheCompositesOfTheSearch) {
  const SearchData data = OwnScene(1, 3, 16).data();
  Keeper keeper;
  search(keeper, data);
  std::vector<std::uint8_t> made;
  for (int b = 0; b < 3; ++b) {
    const Photo photo = data.composite(0, b);
    EXPECT_EQ(photo.height, 16);
    made.insert(made.end(), photo.pixels.begin(), photo.pixels.end());
  }
  EXPECT_EQ(made, keeper.pixels);
}

}  // namespace
}  // namespace backdrop::test
