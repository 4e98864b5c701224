// Files that are no checkpoints: each is told by what it is and what to do.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "backdrop/error.h"
#include "file_writers.h"

namespace backdrop::testing {
namespace {

using namespace std::string_literals;

TEST(ForeignFiles, AreRecognised) {
  expect_refused("", "is empty");
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git lfs pull");
  expect_refused("<!DOCTYPE html><html><head><title>Sign in</title>", "HTML");
  expect_refused("\n  <HTML lang=en>", "HTML");
  expect_refused("\x89HDF\r\n\x1a\n"s + std::string(100, '\0'), "HDF5");
  expect_refused("\x08\x07\x12\x07pytorch\x1a\x05"s + "1.13"s, "ONNX");
  expect_refused("\x1f\x8b\x08\0\0"s, "compressed with gzip");
  expect_refused(
      "\xfd"
      "7zXZ\0\0"s,
      "compressed with xz");
  expect_refused("BZh91AY", "compressed with bzip2");
  expect_refused("\x28\xb5\x2f\xfd\x04"s, "compressed with zstd");
  expect_refused("7z\xbc\xaf\x27\x1c\0"s, "7-Zip");
  expect_refused("Rar!\x1a\x07\0"s, "RAR");
  expect_refused("sys_info"s + std::string(249, '\0') + "ustar  \0"s + std::string(247, '\0'),
                 "is a tar archive");
  expect_refused("\x93NUMPY\1\0"s, "NumPy .npy");
  expect_refused("GGUF\3\0\0\0"s, "GGUF");
  expect_refused("\x1c\0\0\0TFL3"s, "TensorFlow Lite");
  expect_refused("\xff\xd8\xff\xe0\0\x10JFIF"s, "JPEG image");
  expect_refused("\x89PNG\r\n\x1a\n"s, "PNG image");
  expect_refused(
      "\x7f"
      "ELF\2\1\1"s,
      "is a program");
  expect_refused("%PDF-1.7", "PDF");
  expect_refused(std::string(1000, '\0'), "begins with zeros");
  expect_refused("  {\"weights\": [1, 2]}", "is JSON text");
  expect_refused("{\"abcde{f\": 1}", "is JSON text");
  expect_refused("[1, 2, 3]", "is JSON text");
  expect_refused("import torch\nprint(1)\n", "is a text file that begins with \"import torch\"");
  expect_refused("\x01\x02\x03\xff", "4 bytes that begin with 01 02 03 ff");
  expect_refused("PK\3\4", "is truncated");
}

void expect_path_refused(const std::filesystem::path& path, const std::string& reason) {
  try {
    load_checkpoint(path);
    ADD_FAILURE() << "loaded " << path;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_EQ(error.file(), path.string());
    EXPECT_THAT(error.what(),
                ::testing::AllOf(::testing::StartsWith(path.string()), ::testing::HasSubstr(reason)));
  }
}

TEST(ForeignFiles, PathsThatAreNoFiles) {
  const TemporaryFolder folder;
  expect_path_refused(folder.path, "is a folder");
  expect_path_refused(folder.path / "absent.pt", "no such file");
  ASSERT_EQ(mkfifo((folder.path / "pipe").c_str(), 0600), 0);
  expect_path_refused(folder.path / "pipe", "not a regular file");
}

}  // namespace
}  // namespace backdrop::testing
