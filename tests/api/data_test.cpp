// What a search runs on, apart from searching: the threads that it takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <optional>
#include <thread>

#include "backdrop/error.h"
#include "backdrop/search.h"
#include "backdrop/search_data.h"
#include "loaders/demo_data.h"
#include "tests/api/scene.h"
#include "tests/search/temporary_folder.h"

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

class PublicData : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TemporaryFolder;
    write_demo_data(root(), {.images_per_class = 8});
  }
  static void TearDownTestSuite() { delete folder; }
  static fs::path root() { return folder->path / "data"; }

  static TemporaryFolder* folder;
};

TemporaryFolder* PublicData::folder = nullptr;

TEST_F(PublicData, TakesNoMoreThreadsThanItIsGiven) {
  std::optional<SearchData> data;
  EXPECT_LE(threads_of([&] { data = SearchData::load(root(), 1); }), 1);
  EXPECT_LE(threads_of([&] { data->sha256(); }), 1);
}

TEST_F(PublicData, IsHashedWithTheThreadsOfTheSearch) {
  Session session(Model::load(kDemoCheckpoint), {.device = "cpu", .threads = 1, .batch = 4});
  const SearchData data = OwnScene(1, 300).data();
  const auto search_some = [&] {
    search(session, data, {.out = folder->path / "run", .existing = ExistingRun::replace, .most_pairs = 1});
  };
  EXPECT_LE(threads_of(search_some), 1);
  EXPECT_LE(threads_of([&] { data.sha256(); }), 0);  // it is known
}

TEST_F(PublicData, RefusesThreadsThatAreNone) {
  for (const int threads : {-1, 4097}) EXPECT_THROW(SearchData::load(root(), threads), Error);
}

}  // namespace
}  // namespace backdrop::test
