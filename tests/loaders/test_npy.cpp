// .npy files and masks: every type, order and version that numpy writes, and hostile headers.
#include <gmock/gmock.h>

#include "loaders/demo_random.h"
#include "loaders/mask.h"
#include "loaders/npy.h"
#include "tests/loaders/refusal.h"
#include "tests/temporary_folder.h"

namespace backdrop {
namespace {

using test::bytes_of;
using test::refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::read_text;
using testing::TemporaryFolder;

/// A file of version `version` with this header text (not padded) and data.
std::string npy_file(const std::string& header, const std::string& data, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  const std::size_t length = header.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) file += static_cast<char>(length >> (8 * i) & 0xFF);
  return file + header + data;
}

std::string header_of(const std::string& type, const std::string& shape = "(2, 3)",
                      const char* fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

/// One value repeated by pattern: '1' gives `one`, '0' as many zero bytes.
std::string values(const std::string& pattern, const std::string& one) {
  std::string data;
  for (const char c : pattern) data += c == '1' ? one : std::string(one.size(), '\0');
  return data;
}

template <typename T>
void write_npy(const std::filesystem::path& path, const std::vector<T>& values,
               const std::vector<std::size_t>& shape) {
  write_npy_bytes(path, npy_type<T>(), shape, std::as_bytes(std::span(values)));
}

TEST(Mask, ReadsEveryTypeAndByteOrder) {
  const auto one = [](std::initializer_list<int> bytes) { return std::string(bytes.begin(), bytes.end()); };
  const std::pair<const char*, std::string> table[] = {
      {"|b1", one({1})},
      {"|u1", one({1})},
      {"|i1", one({1})},
      {"<b1", one({1})},
      {"<i2", one({1, 0})},
      {">i2", one({0, 1})},
      {"<u2", one({1, 0})},
      {"=i4", one({1, 0, 0, 0})},
      {">u4", one({0, 0, 0, 1})},
      {"<i8", one({1, 0, 0, 0, 0, 0, 0, 0})},
      {">u8", one({0, 0, 0, 0, 0, 0, 0, 1})},
      {"<f2", one({0, 0x3C})},
      {">f2", one({0x3C, 0})},
      {"<f4", one({0, 0, 0x80, 0x3F})},
      {">f4", one({0x3F, 0x80, 0, 0})},
      {"<f8", one({0, 0, 0, 0, 0, 0, 0xF0, 0x3F})},
      {">f8", one({0x3F, 0xF0, 0, 0, 0, 0, 0, 0})},
  };
  for (const auto& [type, bytes] : table)
    for (const char version : {1, 2, 3}) {
      const Mask mask =
          decode_mask(bytes_of(npy_file(header_of(type), values("100110", bytes), version)), type);
      EXPECT_EQ(mask.height, 2) << type;
      EXPECT_EQ(mask.width, 3) << type;
      EXPECT_THAT(mask.values, ElementsAre(1, 0, 0, 1, 1, 0)) << type;
    }
}

TEST(Mask, ReadsFortranOrderAndOtherSpellingsOfTheHeader) {
  const std::string data("\1\0\0\1\1\0", 6);
  EXPECT_THAT(decode_mask(bytes_of(npy_file(header_of("|b1", "(2, 3)", "True"), data)), "m").values,
              ElementsAre(1, 0, 1, 0, 1, 0));
  for (const char* header : {"{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"|b1\"}",
                             "{'descr': '|b1', 'fortran_order': False, 'shape': (2L, 3L), }   \n"})
    EXPECT_THAT(decode_mask(bytes_of(npy_file(header, data)), "m").values, ElementsAre(1, 0, 0, 1, 1, 0))
        << header;
}

TEST(Mask, SaysWhichValueIsWrongAndWhere) {
  const std::pair<std::string, const char*> table[] = {
      {npy_file(header_of("|u1"), std::string("\0\1\0\0\0\xFF", 6)), "holds 255 at row 1, column 2"},
      {npy_file(header_of("|b1"), std::string("\0\2\0\0\0\0", 6)), "holds 2 at row 0, column 1"},
      {npy_file(header_of("|i1"), std::string("\xFF\1\0\0\0\0", 6)), "holds -1 at row 0, column 0"},
      {npy_file(header_of("<f2", "(1, 1)"), std::string("\0\x38", 2)), "holds 0.5 at row 0"},
      {npy_file(header_of("<f2", "(1, 1)"), std::string("\0\x7C", 2)), "holds inf at row 0"},
      {npy_file(header_of("<f4", "(1, 1)"), std::string("\0\0\xC0\x7F", 4)), "holds nan at row 0"},
      {npy_file(header_of("<f8", "(1, 1)"), std::string("\1\0\0\0\0\0\xF0\x3F", 8)),
       "holds 1.0000000000000002"},
      {npy_file(header_of("<u8", "(1, 1)"), std::string(8, '\xFF')), "holds 1.8446744073709552e+19"},
  };
  for (const auto& [file, reason] : table)
    EXPECT_THAT(refusal([&] { decode_mask(bytes_of(file), "mask.npy"); }), HasSubstr(reason));
}

TEST(Mask, RefusesBrokenAndHostileFiles) {
  const std::string six(6, '\0');
  const auto with = [&](const std::string& header) { return npy_file(header, six); };
  const std::pair<std::string, const char*> table[] = {
      {"", "is empty"},
      {"<html>", "is an HTML or XML page"},
      {"version https://git-lfs.github.com/spec/v1\n", "git-LFS pointer"},
      {"PK\x03\x04", "is not a .npy file"},
      {"\x93NUMPY", "ends inside"},
      {std::string("\x93NUMPY\1\0\x70", 9), "ends inside"},
      {std::string("\x93NUMPY\1\0\x70\0{", 11), "ends inside"},
      {std::string("\x93NUMPY\2\0\xFF\xFF\xFF\x7F", 12), "claims a .npy header"},
      {npy_file(header_of("|b1"), six, 4), "version 4"},
      {npy_file(header_of("|b1"), six + "x"), "longer than one array"},
      {npy_file(header_of("|b1"), "x"), "cut short"},
      {with(header_of("|b1", "(6,)")), "two dimensions"},
      {with(header_of("|b1", "()")), "holds 6 bytes"},
      {with(header_of("|b1", "(1, 2, 3)")), "shape (1, 2, 3)"},
      {npy_file(header_of("|b1", "(0, 3)"), ""), "1 to 16384 pixels"},
      {with(header_of("|b1", "(99999999999999999999999, 3)")), "no memory can hold"},
      {with(header_of("|b1", "(9223372036854775807, 9223372036854775807)")), "no memory can hold"},
      {with(header_of("<f8", "(4611686018427387904, 2)")), "no memory can hold"},
      {with(header_of("|b1", "(4294967296, 65536)")), "cut short"},
      {with(header_of("|b1", "(-2, 3)")), "malformed"},
      {with(header_of("|b1", "(2 3)")), "malformed"},
      {with(header_of("|b1", "(6)")), "malformed"},
      {with(header_of("|b1", "(2, 3")), "malformed"},
      {with(header_of("|b1", "(2, 3)", "None")), "malformed"},
      {with(header_of("|b1", "__import__('os').system('true')")), "malformed"},
      {with("{'descr': '|b1', 'fortran_order': False, 'shape': (2, 3)} + x"), "malformed"},
      {with("{'descr': '|b1', 'fortran_order': False, 'shape': (2, 3)"), "malformed"},
      {with("[1, 2]"), "malformed"},
      {with("{'descr': '|b1', 'shape': (2, 3)}"), "lacks 'fortran_order'"},
      {with("{'descr': '|b1', 'fortran_order': False}"), "lacks 'shape'"},
      {with("{'fortran_order': False, 'shape': (2, 3)}"), "lacks 'descr'"},
      {with("{'descr': '|b1', 'descr': '|b1'}"), "unexpected or repeated key 'descr'"},
      {with("{'descr': '|b1', 'extra': 1}"), "unexpected or repeated key 'extra'"},
      {with("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}"), "structured"},
      {with(header_of("|O")), "Python objects"},
      {with(header_of("<U3")), "values of type '<U3'"},
      {with(header_of("<c8")), "values of type '<c8'"},
      {with(header_of("|f4")), "values of type '|f4'"},
      {with(header_of("<f16")), "values of type '<f16'"},
      {npy_file(std::string(1, '\0') + header_of("|b1"), six), "malformed"},
  };
  for (const auto& [file, reason] : table) {
    const std::string message = refusal([&] { decode_mask(bytes_of(file), "mask.npy"); });
    EXPECT_THAT(message, HasSubstr(std::string("mask.npy: "))) << reason;
    EXPECT_THAT(message, HasSubstr(reason));
  }
  std::string shape = "(";
  for (int i = 0; i < 33; ++i) shape += "1, ";
  EXPECT_THAT(refusal([&] { decode_mask(bytes_of(with(header_of("|b1", shape + ")"))), "m"); }),
              HasSubstr("too many dimensions"));
}

TEST(Mask, SurvivesRandomDamage) {
  demo::Random random(2, 2);
  const std::string whole = npy_file(header_of("|b1"), std::string("\1\0\0\1\1\0", 6));
  for (int trial = 0; trial < 20000; ++trial) {
    std::string damaged = whole.substr(
        0, random.chance(0.2) ? static_cast<std::size_t>(random.below(static_cast<int>(whole.size())))
                              : whole.npos);
    for (int flip = 0; flip < 2 && !damaged.empty(); ++flip)
      damaged[static_cast<std::size_t>(random.below(static_cast<int>(damaged.size())))] =
          static_cast<char>(random.next());
    try {
      decode_mask(bytes_of(damaged), "m");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
    }
  }
}

TEST(Mask, ReadsManyInOrderAndChecksTheirSize) {
  const TemporaryFolder folder;
  ThreadPool pool(2);
  std::vector<std::filesystem::path> paths;
  for (int i = 0; i < 9; ++i) {
    const std::string name = std::to_string(i) + ".npy";
    std::vector<std::uint8_t> data(9, 0);
    data[static_cast<std::size_t>(i)] = 1;
    write_npy(folder.path / name, data, {3, 3});
    paths.push_back(folder.path / name);
  }
  const std::vector<Mask> masks = read_masks(paths, pool, 3);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(masks[i].values[i], 1);
  EXPECT_THAT(refusal([&] { read_masks(paths, pool); }), HasSubstr("is 3x3 where 224x224 is needed"));
}

TEST(Npy, HeaderIsAlignedAndReadBack) {
  const std::vector<std::size_t> shapes[] = {{}, {5}, {45, 370}, {4050, 4050}, {1, 2, 3, 4}};
  for (const auto& shape : shapes) {
    const std::string header = npy_header("<i2", shape);
    EXPECT_EQ(header.size() % kNpyAlignment, 0u);
    const NpyHeader parsed = parse_npy_header(bytes_of(header), "h");
    EXPECT_EQ(parsed.shape, shape);
    EXPECT_EQ(parsed.type, "<i2");
    EXPECT_EQ(parsed.item_bytes, 2u);
    EXPECT_EQ(parsed.data_offset, header.size());
    EXPECT_FALSE(parsed.fortran_order);
  }
}

TEST(Npy, ValuesMayStartAnywhere) {
  const std::vector<float> margins = {1.5f, -2, 0, 4, 5, 6};
  const std::string data(reinterpret_cast<const char*>(margins.data()), margins.size() * sizeof(float));
  for (std::size_t padding = 0; padding < sizeof(float); ++padding) {
    const std::string file = npy_file(std::string(padding, ' ') + header_of("<f4"), data);
    EXPECT_THAT(parse_npy(bytes_of(file), "margins.npy").values<float>("margins.npy"),
                ::testing::ElementsAreArray(margins));
  }
}

TEST(Npy, ArraysAreWrittenAndReadBack) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "margins.npy";
  const std::vector<float> margins = {1.5f, -2, 0, 4, 5, 6};
  write_npy(path, margins, {2, 3});
  const std::string content = read_text(path);
  const NpyView view = parse_npy(bytes_of(content), "margins.npy");
  EXPECT_THAT(view.values<float>("margins.npy"), ::testing::ElementsAreArray(margins));
  EXPECT_THAT(refusal([&] { view.values<std::int16_t>("margins.npy"); }),
              HasSubstr("holds '<f4' values in C order where '<i2' in C order was expected"));
  EXPECT_THROW(write_npy(path, margins, {2, 4}), Error);
  EXPECT_THROW(write_npy(folder.path / "absent" / "a.npy", margins, {6}), Error);
}

}  // namespace
}  // namespace backdrop
