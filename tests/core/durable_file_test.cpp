#include "core/durable_file.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "backdrop/error.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

namespace fs = std::filesystem;
using testing::read_text;
using testing::TemporaryFolder;

std::ptrdiff_t files_in(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(ReplaceFile, MakesOneAndReplacesIt) {
  const TemporaryFolder folder;
  const fs::path path = folder.path / "page.html";
  replace_file(path, "old, and longer");
  EXPECT_EQ(read_text(path), "old, and longer");
  replace_file(path, [&](DurableFile& file) {
    for (const std::string_view part : {"n", "", "ew"}) file.append(std::as_bytes(std::span(part)));
    EXPECT_EQ(read_text(path), "old, and longer");
  });
  EXPECT_EQ(read_text(path), "new");
  EXPECT_EQ(files_in(folder.path), 1);
}

TEST(ReplaceFile, ItsNameMayBeAsLongAsAFilesNameCanBe) {
  const TemporaryFolder folder;
  const fs::path path = folder.path / std::string(255, 'n');
  replace_file(path, "new");
  EXPECT_EQ(read_text(path), "new");
}

TEST(ReplaceFile, AFailureLeavesTheOldOneAndNothingElse) {
  const TemporaryFolder folder;
  const fs::path path = folder.path / "page.html";
  replace_file(path, "old");
  const auto fail = [](DurableFile& file) {
    file.append(std::as_bytes(std::span(std::string_view("half"))));
    throw std::runtime_error("no more");
  };
  EXPECT_THROW(replace_file(path, fail), std::runtime_error);
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(files_in(folder.path), 1);
  const fs::path missing = folder.path / "missing" / "page.html";
  try {
    replace_file(missing, "new");
    FAIL() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_EQ(error.file(), missing.string());
  }
}

}  // namespace
}  // namespace backdrop
