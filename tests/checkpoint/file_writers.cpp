#include "file_writers.h"

#include <gmock/gmock.h>

#include "backdrop/error.h"

namespace backdrop::testing {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}

std::uint32_t plain_crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

std::string local_header(const ZipEntry& entry) {
  const std::string name = entry.local_name.value_or(entry.name);
  const std::string size = little_endian(entry.data.size(), 4);
  return concat({"PK\3\4", little_endian(20, 2), little_endian(entry.flags, 2),
                 little_endian(entry.method, 2), little_endian(0, 4),
                 little_endian(plain_crc32(entry.data), 4), size, size, little_endian(name.size(), 2),
                 little_endian(0, 2), name});
}

std::string central_header(const ZipEntry& entry, std::uint64_t true_offset) {
  const std::uint64_t size = entry.size.value_or(entry.data.size());
  const std::uint64_t offset = entry.local_offset.value_or(true_offset);
  const auto narrow = [&](std::uint64_t value) { return little_endian(entry.zip64 ? 0xffffffff : value, 4); };
  std::string extra;
  if (entry.zip64)
    extra = concat({little_endian(1, 2), little_endian(24, 2), little_endian(size, 8), little_endian(size, 8),
                    little_endian(offset, 8)});
  return concat({"PK\1\2", little_endian(20, 2), little_endian(20, 2), little_endian(entry.flags, 2),
                 little_endian(entry.method, 2), little_endian(0, 4),
                 little_endian(entry.crc.value_or(plain_crc32(entry.data)), 4), narrow(size), narrow(size),
                 little_endian(entry.name.size(), 2), little_endian(extra.size(), 2), little_endian(0, 2),
                 little_endian(0, 8), narrow(offset), entry.name, extra});
}

}  // namespace

std::string little_endian(std::uint64_t value, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += part;
  return all;
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

namespace pickle {

std::string text(std::string_view value) {
  return concat({"X", little_endian(value.size(), 4), value});
}

std::string integer(std::int64_t value) {
  return concat({"\x8a\x08", little_endian(static_cast<std::uint64_t>(value), 8)});
}

std::string global(std::string_view module, std::string_view name) {
  return concat({"c", module, "\n", name, "\n"});
}

std::string tuple(const std::vector<std::string>& items) {
  return concat({"(", joined(items), "t"});
}

std::string list(const std::vector<std::string>& items) {
  return concat({"](", joined(items), "e"});
}

std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string all = "}(";
  for (const auto& [key, value] : items) all += text(key) + value;
  return all + "u";
}

std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + "R";
}

std::string storage(std::string_view type, std::string_view key, std::int64_t numel) {
  return tuple({text("storage"), global("torch", type), text(key), text("cuda:0"), integer(numel)}) + "Q";
}

std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides) {
  const auto numbers = [](const std::vector<std::int64_t>& values) {
    std::vector<std::string> items;
    for (const std::int64_t value : values) items.push_back(integer(value));
    return tuple(items);
  };
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, integer(offset), numbers(shape), numbers(strides), "\x89",
               call(global("collections", "OrderedDict"), {})});
}

std::string whole(const std::string& body, int protocol) {
  return concat({"\x80", std::string(1, static_cast<char>(protocol)), body, "."});
}

}  // namespace pickle

std::string zip(const std::vector<ZipEntry>& entries, const ZipLies& lies) {
  std::string file;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    directory += central_header(entry, file.size());
    file += local_header(entry) + entry.data;
  }
  const std::uint64_t count = lies.entries.value_or(entries.size());
  const std::uint64_t size = lies.directory_size.value_or(directory.size());
  const std::uint64_t offset = lies.directory_offset.value_or(file.size());
  file += directory;
  std::string end = concat(
      {little_endian(count, 2), little_endian(count, 2), little_endian(size, 4), little_endian(offset, 4)});
  if (lies.zip64_end) {
    const std::uint64_t position = lies.zip64_end_offset.value_or(file.size());
    end = std::string(end.size(), '\xff');
    file += concat({"PK\6\6", little_endian(44, 8), little_endian(45, 2), little_endian(45, 2),
                    little_endian(0, 8), little_endian(count, 8), little_endian(count, 8),
                    little_endian(size, 8), little_endian(offset, 8)});
    file += concat({"PK\6\7", little_endian(0, 4), little_endian(position, 8), little_endian(1, 4)});
  }
  return concat(
      {file, "PK\5\6", little_endian(0, 4), end, little_endian(lies.comment.size(), 2), lies.comment});
}

std::string zip_checkpoint(const std::string& object, const std::vector<std::string>& storages) {
  std::vector<ZipEntry> entries;
  entries.push_back({.name = "archive/data.pkl", .data = pickle::whole(object)});
  for (std::size_t i = 0; i < storages.size(); ++i)
    entries.push_back({.name = "archive/data/" + std::to_string(i), .data = storages[i]});
  entries.push_back({.name = "archive/version", .data = "3\n"});
  return zip(entries);
}

std::string legacy_checkpoint(const std::string& object,
                              const std::vector<std::pair<std::string, std::string>>& storages) {
  std::vector<std::string> keys;
  std::string data;
  for (const auto& [key, content] : storages) {
    keys.push_back(pickle::text(key));
    data += content;
  }
  return pickle::whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + pickle::whole("M\xe9\x03") +
         pickle::whole(pickle::dict({{"protocol_version", "M\xe9\x03"}, {"little_endian", "\x88"}})) +
         pickle::whole(object) + pickle::whole(pickle::list(keys)) + data;
}

std::string small_object() {
  return pickle::dict(
      {{"weight", pickle::tensor(pickle::storage("FloatStorage", "0", 6), 0, {2, 3}, {3, 1})}});
}

std::string small_storage() {
  return floats({1, 2, 3, 4, 5, 6});
}

std::string safetensors(const std::string& header, const std::string& data) {
  return little_endian(header.size(), 8) + header + data;
}

Checkpoint load_bytes(std::string_view bytes) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "model.pt";
  write_text(path, bytes);
  return load_checkpoint(path);
}

void expect_refused(std::string_view bytes, std::string_view reason) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path / "model.pt";
  write_text(path, bytes);
  try {
    load_checkpoint(path);
    ADD_FAILURE() << "loaded, expected: " << reason;
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ErrorCode::bad_input) << message;
    EXPECT_EQ(error.file(), path.string());
    EXPECT_THAT(message, ::testing::StartsWith(path.string() + ": "));
    EXPECT_THAT(message, ::testing::HasSubstr(std::string(reason)));
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

std::filesystem::path fixtures() {
  return std::filesystem::path(BACKDROP_SOURCE_DIR) / "tests" / "checkpoint" / "fixtures";
}

}  // namespace backdrop::testing
