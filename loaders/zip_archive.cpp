// The directory is found from the end of the file: end record, zip64 locator and end record where there is
// one, central headers, and from each of these the local header before the data (APPNOTE sections 4.3
// and 4.5.3).
#include "loaders/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/crc32.h"

namespace backdrop {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEndRecord = 0x06054b50;
constexpr std::uint32_t kEndRecord64 = 0x06064b50;
constexpr std::uint32_t kEndLocator64 = 0x07064b50;
constexpr std::size_t kEndRecordSize = 22;
constexpr std::size_t kEndLocator64Size = 20;
constexpr std::size_t kLocalHeaderSize = 30;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kIn64 = 0xffffffff;  // the value is in a zip64 field

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};

struct CentralHeader {
  std::string_view name;
  std::uint64_t local_offset = 0;
  std::uint64_t stored_size = 0;
  ZipArchive::Entry entry;
};

template <typename Integer>
Integer number_at(Bytes file, std::size_t position) {
  Integer value;
  std::memcpy(&value, file.data() + position, sizeof value);
  return value;
}

/// The end record: its comment must reach exactly to the end of the file.
std::size_t find_end_record(Bytes file) {
  constexpr std::size_t kLongestComment = 0xffff;
  for (std::size_t comment = 0; comment <= kLongestComment && comment + kEndRecordSize <= file.size();
       ++comment) {
    const std::size_t position = file.size() - kEndRecordSize - comment;
    if (number_at<std::uint32_t>(file, position) == kEndRecord &&
        number_at<std::uint16_t>(file, position + kEndRecordSize - 2) == comment)
      return position;
  }
  refuse("is a zip archive without an end: the file is truncated, download or save it again");
}

/// The zip64 end record, if a locator right before `end` points to one.
std::optional<Directory> read_directory64(Bytes file, std::size_t end) {
  if (end < kEndLocator64Size || number_at<std::uint32_t>(file, end - kEndLocator64Size) != kEndLocator64)
    return std::nullopt;
  ByteCursor locator(file.subspan(end - kEndLocator64Size, kEndLocator64Size), "the zip64 locator");
  locator.take(8);
  const auto position = locator.number<std::uint64_t>();
  if (position >= end) refuse("is a damaged zip archive: its zip64 end record lies outside the file");
  ByteCursor record(file.subspan(position, end - position), "the zip64 end record");
  if (record.number<std::uint32_t>() != kEndRecord64)
    refuse("is a damaged zip archive: it has no zip64 end record where its locator points");
  record.take(28);
  Directory directory;
  directory.entries = record.number<std::uint64_t>();
  directory.size = record.number<std::uint64_t>();
  directory.offset = record.number<std::uint64_t>();
  return directory;
}

Directory read_directory(Bytes file) {
  const std::size_t end = find_end_record(file);
  ByteCursor record(file.subspan(end), "the zip end record");
  record.take(4);
  if (record.number<std::uint32_t>() != 0)
    refuse("is one part of a zip archive split in several: join them first");
  record.take(2);
  Directory directory;
  directory.entries = record.number<std::uint16_t>();
  directory.size = record.number<std::uint32_t>();
  directory.offset = record.number<std::uint32_t>();
  if (const std::optional<Directory> wide = read_directory64(file, end)) {
    const auto differs = [](std::uint64_t narrow, std::uint64_t limit, std::uint64_t value) {
      return narrow != limit && narrow != value;
    };
    if (differs(directory.entries, 0xffff, wide->entries) || differs(directory.size, kIn64, wide->size) ||
        differs(directory.offset, kIn64, wide->offset))
      refuse("is a damaged zip archive: its two end records contradict each other");
    directory = *wide;
  }
  if (directory.offset > end || directory.size > end - directory.offset)
    refuse("is a damaged zip archive: its directory lies outside the file");
  return directory;
}

/// Takes the 64-bit values from the extra field, in the order in which the header marks them as missing.
void read_extra64(Bytes extra, CentralHeader& header) {
  ByteCursor fields(extra, "an extra field of the zip directory");
  while (fields.left() >= 4) {
    const auto id = fields.number<std::uint16_t>();
    ByteCursor field(fields.take(fields.number<std::uint16_t>()), "a zip64 extra field");
    if (id != kZip64Extra) continue;
    for (std::uint64_t* value : {&header.entry.size, &header.stored_size, &header.local_offset})
      if (*value == kIn64) *value = field.number<std::uint64_t>();
    return;
  }
}

CentralHeader read_central_header(ByteCursor& cursor) {
  if (cursor.number<std::uint32_t>() != kCentralHeader)
    refuse("is a damaged zip archive: its directory holds something other than entries");
  CentralHeader header;
  cursor.take(4);
  header.entry.encrypted = (cursor.number<std::uint16_t>() & 1) != 0;
  header.entry.method = cursor.number<std::uint16_t>();
  cursor.take(4);
  header.entry.crc = cursor.number<std::uint32_t>();
  header.stored_size = cursor.number<std::uint32_t>();
  header.entry.size = cursor.number<std::uint32_t>();
  const auto name_length = cursor.number<std::uint16_t>();
  const auto extra_length = cursor.number<std::uint16_t>();
  const auto comment_length = cursor.number<std::uint16_t>();
  cursor.take(8);
  header.local_offset = cursor.number<std::uint32_t>();
  header.name = as_text(cursor.take(name_length));
  read_extra64(cursor.take(extra_length), header);
  cursor.take(comment_length);
  return header;
}

/// Sets the data of an entry and returns where it ends. `directory` is where the entries must stop.
std::uint64_t locate(Bytes file, std::uint64_t directory, CentralHeader& header) {
  const auto fail = [&](const char* reason) {
    refuse(fmt::format("is a damaged zip archive: entry \"{}\" {}", printable(header.name), reason));
  };
  if (header.local_offset > directory || directory - header.local_offset < kLocalHeaderSize)
    fail("starts outside the file");
  ByteCursor local(file.subspan(header.local_offset, directory - header.local_offset),
                   "an entry of the zip archive");
  if (local.number<std::uint32_t>() != kLocalHeader) fail("has no header where the directory points");
  local.take(4);
  if (local.number<std::uint16_t>() != header.entry.method)
    fail("has two headers that contradict each other");
  local.take(16);
  const auto name_length = local.number<std::uint16_t>();
  const auto extra_length = local.number<std::uint16_t>();
  if (as_text(local.take(name_length)) != header.name) fail("has another name in its own header");
  local.take(extra_length);
  if (header.stored_size > local.left()) fail("reaches past the entries");
  if (header.entry.method == 0 && header.entry.size != header.stored_size) fail("is stored with two sizes");
  header.entry.data = local.take(header.stored_size);
  return header.local_offset + local.position();
}

}  // namespace

ZipArchive::ZipArchive(Bytes file) {
  const Directory directory = read_directory(file);
  ByteCursor cursor(file.subspan(directory.offset, directory.size), "the directory of the zip archive");
  // Of each entry: [first byte, past the last one).
  std::vector<std::pair<std::uint64_t, std::uint64_t>> extents;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    CentralHeader header = read_central_header(cursor);
    const std::uint64_t end = locate(file, directory.offset, header);
    extents.emplace_back(header.local_offset, end);
    if (!entries_.emplace(header.name, header.entry).second)
      refuse(fmt::format("is a damaged zip archive: it has two entries \"{}\"", printable(header.name)));
  }
  if (cursor.left() != 0) refuse("is a damaged zip archive: its directory holds more entries than it says");
  std::sort(extents.begin(), extents.end());
  for (std::size_t i = 1; i < extents.size(); ++i)
    if (extents[i].first < extents[i - 1].second)
      refuse("is a damaged zip archive: two of its entries overlap");
}

Bytes ZipArchive::read(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) refuse(fmt::format("lacks the entry \"{}\": save it again", printable(name)));
  const Entry& entry = found->second;
  if (entry.encrypted)
    refuse(fmt::format("has the encrypted entry \"{}\": decrypt the archive first", printable(name)));
  if (entry.method != 0)
    refuse(fmt::format(
        "has the compressed entry \"{}\" (method {}): torch.save writes stored ones, so zip it again "
        "with zip -0 or save it anew",
        printable(name), entry.method));
  if (crc32(std::as_bytes(entry.data)) != entry.crc)
    refuse(fmt::format("is damaged: the checksum of its entry \"{}\" does not match", printable(name)));
  return entry.data;
}

}  // namespace backdrop
