// Files that somebody else writes while they are read.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "backdrop/error.h"
#include "loaders/file.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

// A writer appends and cuts off without pause. A read gives bytes that were in the file, as many as it then
// had, or says that the file changed.
TEST(ReadFile, GivesWholeStatesOfAGrowingAndShrinkingFileOrRefusesIt) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "growing";
  constexpr std::size_t kPart = 1 << 16;
  constexpr std::size_t kParts = 8;
  std::ofstream(path, std::ios::binary) << std::string(kPart, 'x');
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    const std::string part(kPart, 'x');
    for (std::size_t i = 0; !stop; ++i) {
      if (i % kParts == 0)
        std::filesystem::resize_file(path, kPart);
      else
        std::ofstream(path, std::ios::binary | std::ios::app) << part;
    }
  });
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    try {
      const std::vector<std::byte> bytes = read_file(path, kPart * kParts);
      EXPECT_GE(bytes.size(), kPart);
      EXPECT_TRUE(
          std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{'x'}; }));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      EXPECT_NE(std::string(error.what()).find("changed while it was read"), std::string::npos)
          << error.what();
      ++refused;
    }
  }
  stop = true;
  writer.join();
  RecordProperty("refused", refused);
}

TEST(ReadFile, RefusesAFileOverTheLimitBeforeReadingIt) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "large";
  std::ofstream(path, std::ios::binary) << "0123456789";
  EXPECT_EQ(read_file(path, 10).size(), 10U);
  EXPECT_THROW(read_file(path, 9), Error);
}

}  // namespace
}  // namespace backdrop
