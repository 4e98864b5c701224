// Writes and reads the journal. Its bytes may be damaged in any way: sizes are checked before they are used.
#include "search/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>

#include "backdrop/error.h"
#include "core/hash.h"
#include "loaders/file.h"

namespace backdrop {
namespace {

constexpr std::string_view kAnyFormat = "backdrop-journal-";
constexpr std::string_view kFormat = "backdrop-journal-2\n";
constexpr std::string_view kHashLine = "sha256 ";
constexpr std::size_t kLargestFile = std::size_t{1} << 38;
constexpr std::size_t kLargestHeader = 1 << 16;
constexpr char kMagic[4] = {'B', 'L', 'K', '2'};

struct RecordHead {
  char magic[4];
  std::uint32_t pieces;
  std::uint64_t number;
  std::uint64_t pairs;
};
static_assert(sizeof(RecordHead) == 24 && sizeof(ScreeningCounts) == 24);

struct RecordPiece {
  std::int32_t foreground;
  std::uint32_t backgrounds;
};

constexpr std::size_t kPairBytes = sizeof(std::int32_t) + sizeof(std::int16_t) + sizeof(float);

std::size_t record_bytes(std::size_t pieces, std::size_t pairs) {
  return sizeof(RecordHead) + pieces * sizeof(RecordPiece) + sizeof(ScreeningCounts) + pairs * kPairBytes +
         kHashDigits;
}

template <typename T>
void append_values(std::string& record, const T* values, std::size_t count) {
  record.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

/// Head, pieces and backgrounds: what a block is, before its answers.
std::string record_start(const Block& block) {
  RecordHead head{{}, static_cast<std::uint32_t>(block.pieces.size()), block.number, block.pairs};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  std::string record;
  record.reserve(record_bytes(block.pieces.size(), block.pairs));
  append_values(record, &head, 1);
  for (const Piece& piece : block.pieces) {
    const RecordPiece entry{piece.foreground, static_cast<std::uint32_t>(piece.backgrounds.size())};
    append_values(record, &entry, 1);
  }
  for (const Piece& piece : block.pieces)
    append_values(record, piece.backgrounds.data(), piece.backgrounds.size());
  return record;
}

std::string header_text(const RunIdentity& identity, const PlanShape& shape) {
  std::string text = fmt::format("{}shape {} {} {} {} {}\n", kFormat, shape.foregrounds, shape.backgrounds,
                                 shape.tile, shape.batch, shape.fill);
  for (const auto& [name, value] : identity) text += fmt::format("{}={}\n", name, value);
  return text + fmt::format("{}{}\n", kHashLine, sha256_of(text.data(), text.size()));
}

bool is_possible(const PlanShape& shape) {
  constexpr int kMost = 1 << 24;
  const auto within = [](int value, int least) { return value >= least && value <= kMost; };
  return within(shape.foregrounds, 1) && within(shape.backgrounds, 1) && within(shape.tile, 0) &&
         within(shape.batch, 1) && within(shape.fill, 1);
}

}  // namespace

Journal::Journal(const std::filesystem::path& path, RunIdentity identity, const PlanShape& shape)
    : path_(path), identity_(std::move(identity)), shape_(shape) {
  const std::string header = header_text(identity_, shape_);
  std::filesystem::path draft = path;
  draft += ".new";
  write_durable_file(draft, header);
  rename_durably(draft, path);
  file_.emplace(path, DurableFile::Existing::keep);
  end_ = header_end_ = header.size();
}

Journal::Journal(const std::filesystem::path& path) : path_(path), bytes_(read_file(path, kLargestFile)) {
  read_header();
  header_end_ = end_;
  while (const std::size_t bytes = accept_record(end_)) end_ += bytes;
  bytes_cut_off_ = bytes_.size() - end_;
  file_.emplace(path, DurableFile::Existing::keep);
  if (bytes_cut_off_ == 0) return;
  file_->truncate(end_);
  file_->sync();
}

void Journal::read_header() {
  const std::string_view file(reinterpret_cast<const char*>(bytes_.data()),
                              std::min(bytes_.size(), kLargestHeader));
  const std::size_t hash_line = file.find(fmt::format("\n{}", kHashLine));
  const Error damaged(ErrorCode::bad_input, "is damaged: start the run again (--force)", path_.string());
  if (file.starts_with(kAnyFormat) && !file.starts_with(kFormat))
    throw Error(ErrorCode::bad_input,
                "is of another version of Backdrop: go on with that one, or start the run again (--force)",
                path_.string());
  if (!file.starts_with(kFormat) || hash_line == std::string_view::npos) throw damaged;
  const std::string_view text = file.substr(0, hash_line + 1);
  end_ = text.size() + kHashLine.size() + kHashDigits + 1;
  if (end_ > file.size() ||
      file.substr(text.size() + kHashLine.size(), kHashDigits) != sha256_of(text.data(), text.size()))
    throw damaged;
  std::istringstream lines{std::string(text)};
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  std::istringstream numbers(line.substr(std::min(line.size(), std::strlen("shape "))));
  numbers >> shape_.foregrounds >> shape_.backgrounds >> shape_.tile >> shape_.batch >> shape_.fill;
  if (!numbers || !is_possible(shape_)) throw damaged;
  while (std::getline(lines, line)) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) throw damaged;
    identity_.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
}

std::size_t Journal::accept_record(std::size_t offset) {
  RecordHead head;
  const std::size_t left = bytes_.size() - offset;
  if (left < sizeof head) return 0;
  const std::byte* record = bytes_.data() + offset;
  std::memcpy(&head, record, sizeof head);
  // Every pair takes bytes, so sizes that fit the file cannot overflow.
  if (std::memcmp(head.magic, kMagic, sizeof kMagic) != 0 || head.pieces > left || head.pairs > left)
    return 0;
  const std::size_t bytes = record_bytes(head.pieces, head.pairs);
  if (bytes > left) return 0;
  const std::size_t hashed = bytes - kHashDigits;
  if (std::memcmp(sha256_of(record, hashed).data(), record + hashed, kHashDigits) != 0) return 0;
  records_[head.number] = offset;
  return bytes;
}

std::optional<BlockAnswers> Journal::find(const Block& block) const {
  const auto entry = records_.find(block.number);
  if (entry == records_.end()) return std::nullopt;
  const std::byte* record = bytes_.data() + entry->second;
  RecordHead head;
  std::memcpy(&head, record, sizeof head);
  const std::string start = record_start(block);
  if (head.pairs != block.pairs || head.pieces != block.pieces.size() ||
      std::memcmp(record, start.data(), start.size()) != 0)
    throw Error(ErrorCode::bad_input, "is of another version of the search: start the run again (--force)",
                path_.string());
  BlockAnswers answers;
  answers.predictions.resize(block.pairs);
  answers.margins.resize(block.pairs);
  const std::byte* values = record + start.size();
  std::memcpy(&answers.decided_again, values, sizeof answers.decided_again);
  values += sizeof answers.decided_again;
  std::memcpy(answers.predictions.data(), values, block.pairs * sizeof(std::int16_t));
  std::memcpy(answers.margins.data(), values + block.pairs * sizeof(std::int16_t),
              block.pairs * sizeof(float));
  return answers;
}

void Journal::append(const Block& block, const BlockAnswers& answers) {
  std::string record = record_start(block);
  append_values(record, &answers.decided_again, 1);
  append_values(record, answers.predictions.data(), answers.predictions.size());
  append_values(record, answers.margins.data(), answers.margins.size());
  record += sha256_of(record.data(), record.size());
  file_->write(end_, std::as_bytes(std::span(record)));
  end_ += record.size();
  ++appended_;
  constexpr auto kInterval = std::chrono::seconds(1);
  if (Clock::now() - last_sync_ >= kInterval) sync();
}

void Journal::sync() {
  file_->sync();
  last_sync_ = Clock::now();
}

void Journal::discard() {
  records_.clear();
  appended_ = 0;
  end_ = header_end_;
  file_->truncate(end_);
  sync();
}

}  // namespace backdrop
