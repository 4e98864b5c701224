// The safetensors format: every type, every lie of a header, and writing.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>

#include "backdrop/error.h"
#include "file_writers.h"

namespace backdrop::testing {
namespace {

using namespace std::string_literals;

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
         offsets + "]}";
}

void expect_header_refused(const std::string& header, const std::string& data, std::string_view reason) {
  expect_refused(safetensors(header, data), reason);
}

TEST(Safetensors, EveryType) {
  const auto decoded = [](const std::string& dtype, const std::string& data) {
    const std::string header = "{" + entry("a", dtype, "1", "0," + std::to_string(data.size())) + "}";
    return load_bytes(safetensors(header, data)).tensors.at("a");
  };
  EXPECT_EQ(decoded("F32", floats({1.5f})).values, std::vector<float>{1.5f});
  EXPECT_EQ(decoded("F16", little_endian(0x3e00, 2)).values, std::vector<float>{1.5f});
  EXPECT_EQ(decoded("BF16", little_endian(0x3fc0, 2)).stored_as, "bfloat16");
  EXPECT_EQ(decoded("BF16", little_endian(0x3fc0, 2)).values, std::vector<float>{1.5f});
  EXPECT_EQ(decoded("F64", little_endian(0x3ff8000000000000, 8)).values, std::vector<float>{1.5f});
  for (const std::string type : {"8", "16", "32", "64"}) {
    const std::size_t size = static_cast<std::size_t>(std::stoi(type)) / 8;
    EXPECT_EQ(decoded("I" + type, little_endian(~std::uint64_t{0}, size)).values, std::vector<float>{-1});
    EXPECT_EQ(decoded("U" + type, little_endian(7, size)).values, std::vector<float>{7});
  }
  EXPECT_EQ(decoded("BOOL", "\1").values, std::vector<float>{1});
}

TEST(Safetensors, ScalarsEmptyTensorsMetadataAndPadding) {
  const std::string header = "{\"__metadata__\":{\"format\":\"pt\"}," + entry("b", "F32", "", "8,12") + "," +
                             entry("module.a", "F32", "2,1", "0,8") + "," +
                             entry("c", "F32", "0,3", "12,12") + "}   ";
  const Checkpoint checkpoint = load_bytes(safetensors(header, floats({1, 2, 3})));
  EXPECT_EQ(checkpoint.format, "safetensors");
  EXPECT_EQ(checkpoint.metadata, (std::map<std::string, std::string>{{"format", "pt"}}));
  EXPECT_EQ(checkpoint.tensors.at("a").values, (std::vector<float>{1, 2}));
  EXPECT_EQ(checkpoint.tensors.at("b").values, std::vector<float>{3});
  EXPECT_TRUE(checkpoint.tensors.at("b").shape.empty());
  EXPECT_TRUE(checkpoint.tensors.at("c").values.empty());
}

TEST(Safetensors, LengthsOfTheHeader) {
  const std::string header = "{" + entry("a", "F32", "1", "0,4") + "}";
  expect_refused(little_endian(header.size() + 5, 8) + header + "1234", "header ends too early");
  expect_refused(little_endian(header.size() - 1, 8) + header + "1234", "damaged safetensors header");
  expect_refused(little_endian(100'000'001, 8) + header, "has a safetensors header of 100000001 bytes");
  expect_refused(std::string(8, '\xff') + header, "header of 18446744073709551615 bytes");
  expect_refused(little_endian(0, 8) + header, "damaged safetensors header: parse error");
  expect_refused(little_endian(1, 8) + header, "damaged safetensors header");
}

TEST(Safetensors, HeadersThatAreNotOne) {
  expect_header_refused("{]", "", "damaged safetensors header");
  expect_header_refused("{\"a\"\xff:1}", "", "damaged safetensors header");
  expect_header_refused("{\"a\":1}", "", "no dtype for tensor \"a\"");
  expect_header_refused("{\"a\":{}}", "", "no dtype for tensor \"a\"");
  expect_header_refused("{\"a\":{\"dtype\":\"F32\"}}", "", "no shape for tensor \"a\"");
  expect_header_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", "", "no data_offsets for tensor \"a\"");
  expect_header_refused("{\"a\":{\"dtype\":7,\"shape\":[],\"data_offsets\":[0,4]}}", "1234", "of type 7");
  expect_header_refused("{\"__metadata__\":[]}", "", "__metadata__ that is not an object");
  expect_header_refused("{\"__metadata__\":{\"a\":1}}", "", "metadata \"a\" that is not text");
  expect_header_refused("{}", "", "holds no tensors of a network");
  expect_header_refused("{" + std::string(1'000'000, '['), "", "damaged safetensors header");
  expect_header_refused("{\"a\":" + std::string(1'000'000, '['), "", "nested too deep");
  std::string numbers = "{\"a\":[0";
  for (int i = 0; i < 2'200'000; ++i) numbers += ",0";
  expect_header_refused(numbers + "]}", "", "nested too deep or too long");
}

TEST(Safetensors, KeysWrittenTwice) {
  const std::string twice = entry("a", "F32", "1", "0,4");
  expect_header_refused("{" + twice + "," + twice + "}", "1234", "the key \"a\" twice");
  expect_header_refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\"}}", "", "the key \"dtype\" twice");
}

TEST(Safetensors, SizesAndOffsets) {
  const auto refused = [](const std::string& shape, const std::string& offsets, const char* reason,
                          const std::string& dtype = "F32") {
    expect_header_refused("{" + entry("a", dtype, shape, offsets) + "}", "12345678", reason);
  };
  refused("2", "0,9", "said to lie at bytes 0 to 9 of 8");
  refused("2", "8,0", "said to lie at bytes 8 to 0 of 8");
  refused("2", "0", "impossible sizes");
  refused("2", "0,4,8", "impossible sizes");
  refused("-2", "0,8", "impossible size or offset");
  refused("2.0", "0,8", "impossible size or offset");
  refused("2", "-1,7", "impossible size or offset");
  refused("18446744073709551615", "0,8", "impossible size or offset");
  refused("4294967296,4294967296", "0,8", "impossible sizes");
  refused("\"2\"", "0,8", "impossible size or offset");
  refused("3", "0,8", "8 bytes for the 3 values of float32");
  refused("2", "0,7", "7 bytes for the 2 values of float32");
  refused("2", "0,8", "8 bytes for the 2 values of float64", "F64");
  refused("8", "0,8", "of type F8_E4M3, which is not supported", "F8_E4M3");
  refused("1", "0,4", "4 bytes follow its last tensor");
  refused("1", "4,8", "\"a\" follows a gap");
}

TEST(Safetensors, TensorsThatOverlap) {
  const std::string a = entry("a", "F32", "2", "0,8");
  expect_header_refused("{" + a + "," + entry("b", "F32", "2", "0,8") + "}", "12345678", "overlaps another");
  expect_header_refused("{" + a + "," + entry("b", "F32", "2", "4,12") + "}", "123456789012",
                        "\"b\" overlaps another");
  expect_header_refused("{" + a + "," + entry("b", "F32", "1", "12,16") + "}", std::string(16, 'x'),
                        "\"b\" follows a gap");
}

StateDict small_tensors() {
  StateDict tensors;
  tensors["b"] = {{2, 2}, {1, 2, 3, 4}, "float16"};
  tensors["a.weight"] = {{3}, {-1, 0.5f, 1e-30f}};
  tensors["scalar"] = {{}, {7}};
  tensors["empty"] = {{0, 4}, {}};
  return tensors;
}

TEST(SaveSafetensors, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "model.safetensors";
  const std::map<std::string, std::string> metadata = {{"arch", "resnet18"}, {"note", "quote \" and \u00e9"}};
  save_safetensors(path, small_tensors(), metadata);
  const Checkpoint checkpoint = load_checkpoint(path);
  EXPECT_EQ(checkpoint.metadata, metadata);
  ASSERT_EQ(checkpoint.tensors.size(), 4u);
  for (const auto& [name, tensor] : small_tensors()) {
    EXPECT_EQ(checkpoint.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(checkpoint.tensors.at(name).values, tensor.values) << name;
    EXPECT_EQ(checkpoint.tensors.at(name).stored_as, "float32");
  }
  const std::string bytes = read_text(path);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header % 8, 0u);
  EXPECT_EQ(bytes.size(), 8 + header + 8 * sizeof(float));
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

void expect_not_saved(const std::filesystem::path& path, const StateDict& tensors,
                      const std::map<std::string, std::string>& metadata, const std::string& reason) {
  try {
    save_safetensors(path, tensors, metadata);
    ADD_FAILURE() << "saved " << path;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_EQ(error.file(), path.string());
    EXPECT_THAT(error.what(), ::testing::HasSubstr(reason));
  }
}

TEST(SaveSafetensors, ReplacesAnOlderFileAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "model.safetensors";
  write_text(path, "older");
  save_safetensors(path, small_tensors(), {});
  EXPECT_EQ(load_checkpoint(path).tensors.size(), 4u);
  EXPECT_EQ(files_in(folder.path), 1u);
}

TEST(SaveSafetensors, AFullDiskLeavesTheOlderFile) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "model.safetensors";
  write_text(path, "older");
  StateDict tensors;
  tensors["large"] = {{100'000}, std::vector<float>(100'000, 1.0f)};
  // A limit on the size of files, without its signal, fails as a full disk does: in the middle of a write.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_not_saved(path, tensors, {}, "cannot be written: ");
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(read_text(path), "older");
  EXPECT_EQ(files_in(folder.path), 1u);
}

TEST(SaveSafetensors, FoldersThatCannotBeWritten) {
  const TemporaryFolder folder;
  expect_not_saved(folder.path / "absent" / "model.safetensors", small_tensors(), {}, "cannot be created: ");
  write_text(folder.path / "file", "x");
  expect_not_saved(folder.path / "file" / "model.safetensors", small_tensors(), {}, "cannot be created: ");
  std::filesystem::create_directory(folder.path / "model.safetensors");
  expect_not_saved(folder.path / "model.safetensors", small_tensors(), {}, "cannot be put in place: ");
  EXPECT_EQ(files_in(folder.path), 2u);
}

TEST(SaveSafetensors, ReadOnlyFolders) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write to read-only folders";
  const TemporaryFolder folder;
  std::filesystem::permissions(folder.path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  expect_not_saved(folder.path / "model.safetensors", small_tensors(), {}, "cannot be created: ");
  std::filesystem::permissions(folder.path, std::filesystem::perms::owner_all);
}

TEST(SaveSafetensors, TensorsThatAreNone) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "model.safetensors";
  expect_not_saved(path, {{"a", {{3}, {1, 2}}}}, {}, "shape and values");
  expect_not_saved(path, {{"a", {{-1}, {}}}}, {}, "shape and values");
  expect_not_saved(path, {{"__metadata__", {{1}, {1}}}}, {}, "name is reserved");
  expect_not_saved(path, {{"a\xff", {{1}, {1}}}}, {}, "not UTF-8");
  expect_not_saved(path, small_tensors(), {{"a", "\xff"}}, "not UTF-8");
  EXPECT_EQ(files_in(folder.path), 0u);
}

}  // namespace
}  // namespace backdrop::testing
