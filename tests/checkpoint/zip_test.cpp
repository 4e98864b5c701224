// Zip archives: those that are fine, and every lie that their headers can tell.
#include <gtest/gtest.h>

#include "file_writers.h"

namespace backdrop::testing {
namespace {

std::vector<ZipEntry> good_entries() {
  return {{.name = "archive/data.pkl", .data = pickle::whole(small_object())},
          {.name = "archive/data/0", .data = small_storage()}};
}

/// The archive of good_entries with its storage changed.
std::string with_storage(const std::function<void(ZipEntry&)>& change) {
  std::vector<ZipEntry> entries = good_entries();
  change(entries[1]);
  return zip(entries);
}

void expect_loads(const std::string& bytes) {
  EXPECT_EQ(load_bytes(bytes).tensors.at("weight").values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Zip, OrdinaryAndZip64Archives) {
  expect_loads(zip(good_entries()));
  expect_loads(zip(good_entries(), {.comment = "a comment with PK\5\6 in it"}));
  expect_loads(zip(good_entries(), {.zip64_end = true}));
  expect_loads(with_storage([](ZipEntry& entry) { entry.zip64 = true; }));
}

TEST(Zip, FoldersOfAnyNameAndDepthOrNone) {
  for (const std::string folder : {"", "a/", "a b/c/"})
    expect_loads(zip({{.name = folder + "data.pkl", .data = pickle::whole(small_object())},
                      {.name = folder + "data/0", .data = small_storage()}}));
}

TEST(Zip, Directories) {
  expect_refused(zip(good_entries(), {.entries = 1}), "holds more entries than it says");
  expect_refused(zip(good_entries(), {.entries = 3}), "directory of the zip archive ends too early");
  expect_refused(zip(good_entries(), {.directory_offset = 1 << 30}), "directory lies outside the file");
  expect_refused(zip(good_entries(), {.directory_size = 0xfffffff0}), "directory lies outside the file");
  expect_refused(zip(good_entries(), {.directory_offset = 0}),
                 "its directory holds something other than entries");
  expect_refused(zip({}), "without data.pkl");
}

TEST(Zip, Zip64Directories) {
  const std::uint64_t huge = ~std::uint64_t{0};
  expect_refused(zip(good_entries(), {.entries = huge, .zip64_end = true}), "ends too early");
  expect_refused(zip(good_entries(), {.directory_offset = huge, .zip64_end = true}),
                 "directory lies outside");
  expect_refused(zip(good_entries(), {.directory_size = huge, .zip64_end = true}), "directory lies outside");
  expect_refused(zip(good_entries(), {.zip64_end = true, .zip64_end_offset = huge}),
                 "end record lies outside");
  expect_refused(zip(good_entries(), {.zip64_end = true, .zip64_end_offset = 5}),
                 "no zip64 end record where");
  // The locator itself says where its record is: an ordinary end record may contradict that one.
  std::string two_ends = zip(good_entries(), {.zip64_end = true});
  two_ends.replace(two_ends.size() - 12, 2, little_endian(9, 2));
  expect_refused(two_ends, "two end records contradict each other");
}

TEST(Zip, Entries) {
  const auto refused = [](const std::function<void(ZipEntry&)>& change, const char* reason) {
    expect_refused(with_storage(change), reason);
  };
  refused([](ZipEntry& e) { e.method = 8; }, "compressed entry \"archive/data/0\" (method 8)");
  refused([](ZipEntry& e) { e.flags = 1; }, "encrypted entry \"archive/data/0\"");
  refused([](ZipEntry& e) { e.crc = 1; }, "checksum of its entry \"archive/data/0\" does not match");
  refused([](ZipEntry& e) { e.size = 1 << 20; }, "reaches past the entries");
  refused([](ZipEntry& e) { e.size = 0xffffffff; }, "reaches past the entries");
  refused([](ZipEntry& e) { e.size = 20; }, "checksum");
  refused([](ZipEntry& e) { e.local_offset = 1 << 30; }, "starts outside the file");
  refused([](ZipEntry& e) { e.local_offset = 3; }, "no header where the directory points");
  refused([](ZipEntry& e) { e.local_offset = 0; }, "another name in its own header");
  refused([](ZipEntry& e) { e.local_name = "archive/data/1"; }, "another name in its own header");
  refused([](ZipEntry& e) { e.name = e.local_name.emplace("archive/data.pkl"); },
          "two entries \"archive/data.pkl\"");
  refused(
      [](ZipEntry& e) {
        e.zip64 = true;
        e.size = ~std::uint64_t{0};
      },
      "reaches past the entries");
  refused(
      [](ZipEntry& e) {
        e.zip64 = true;
        e.local_offset = ~std::uint64_t{0} - 10;
      },
      "starts outside the file");
  refused([](ZipEntry& e) { e.name = std::string(200, 'x') + "\n"; }, "lacks the entry");
}

TEST(Zip, OverlappingEntries) {
  std::vector<ZipEntry> entries = good_entries();
  const std::string inner = zip({{.name = "archive/data/0", .data = small_storage()}});
  entries[1].data = inner;
  entries[1].name = "archive/outer";
  std::string file = zip(entries);
  // A third entry whose header lies within the data of the second.
  entries.push_back(
      {.name = "archive/data/0", .data = small_storage(), .local_offset = file.find("PK\3\4", 300)});
  const std::size_t within = file.find(inner);
  entries[2].local_offset = within;
  expect_refused(zip(entries), "two of its entries overlap");
}

TEST(Zip, SplitArchives) {
  std::string file = zip(good_entries());
  file[file.size() - 18] = 1;
  expect_refused(file, "one part of a zip archive split in several");
}

TEST(Zip, CentralAndLocalHeadersMustAgree) {
  std::string file = zip(good_entries());
  file[8] = 8;
  expect_refused(file, "two headers that contradict each other");
}

TEST(Zip, OtherArchivesSayWhatTheyAre) {
  const auto archive = [](const std::string& name) { return zip({{.name = name, .data = "x"}}); };
  expect_refused(archive("weights/arr_0.npy"), "NumPy .npz");
  expect_refused(archive("model.weights.h5"), "Keras");
  expect_refused(archive("folder/model.pt"), "zip archive around folder/model.pt: unpack it first");
  expect_refused(archive("word/document.xml"), "without data.pkl");
  std::vector<ZipEntry> entries = good_entries();
  entries.push_back({.name = "other/data.pkl", .data = "x"});
  expect_refused(zip(entries), "more than one data.pkl");
}

TEST(Zip, TorchScriptArchives) {
  std::vector<ZipEntry> entries = good_entries();
  entries.push_back({.name = "archive/code/__torch__.py", .data = "x"});
  expect_refused(zip(entries), "is a TorchScript archive: save the state dict instead");
  entries.back().name = "archive/constants.pkl";
  expect_refused(zip(entries), "is a TorchScript archive");
}

}  // namespace
}  // namespace backdrop::testing
