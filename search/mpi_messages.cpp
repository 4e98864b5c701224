// Messages are numbers and arrays in a row; the arrays' lengths stand in front of them.
#include "search/mpi_messages.h"

#include <cstring>

#include "backdrop/error.h"

namespace backdrop {
namespace {

enum class Kind : std::int32_t { block = 1, wave_end = 2, refutation = 3 };

class MessageWriter {
 public:
  template <typename T>
  void put(const T& value) {
    append(std::as_bytes(std::span(&value, 1)));
  }
  template <typename T>
  void put_many(std::span<const T> values) {
    put<std::uint64_t>(values.size());
    append(std::as_bytes(values));
  }
  Message take() { return std::move(message_); }

 private:
  void append(std::span<const std::byte> bytes) {
    message_.insert(message_.end(), bytes.begin(), bytes.end());
  }

  Message message_;
};

class MessageReader {
 public:
  explicit MessageReader(std::span<const std::byte> message) : rest_(message) {}

  template <typename T>
  T get() {
    T value;
    if (sizeof value > rest_.size()) fail();
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_ = rest_.subspan(sizeof value);
    return value;
  }
  template <typename T>
  std::vector<T> get_many() {
    const auto count = get<std::uint64_t>();
    if (count > rest_.size() / sizeof(T)) fail();
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), rest_.data(), count * sizeof(T));
    rest_ = rest_.subspan(count * sizeof(T));
    return values;
  }
  void end() const {
    if (!rest_.empty()) fail();
  }

  [[noreturn]] static void fail() {
    throw Error(ErrorCode::failed, "a rank sent a damaged message: do all ranks run the same build?");
  }

 private:
  std::span<const std::byte> rest_;
};

struct PieceRecord {
  std::uint64_t block = 0;  ///< place in the wave
  std::int32_t foreground = 0;
  std::int32_t backgrounds = 0;
};

}  // namespace

Message wave_message(std::span<const Block* const> blocks, std::size_t classes_to_keep, int resident) {
  std::vector<std::uint64_t> numbers;
  std::vector<PieceRecord> pieces;
  std::vector<int> backgrounds;
  for (const Block* block : blocks) {
    for (const Piece& piece : block->pieces) {
      pieces.push_back(
          {numbers.size(), piece.foreground, static_cast<std::int32_t>(piece.backgrounds.size())});
      backgrounds.insert(backgrounds.end(), piece.backgrounds.begin(), piece.backgrounds.end());
    }
    numbers.push_back(block->number);
  }
  MessageWriter writer;
  writer.put<std::uint64_t>(classes_to_keep);
  writer.put<std::int32_t>(resident);
  writer.put_many(std::span<const std::uint64_t>(numbers));
  writer.put_many(std::span<const PieceRecord>(pieces));
  writer.put_many(std::span<const int>(backgrounds));
  return writer.take();
}

Wave read_wave(std::span<const std::byte> message) {
  MessageReader reader(message);
  Wave wave;
  wave.classes_to_keep = reader.get<std::uint64_t>();
  wave.resident = reader.get<std::int32_t>();
  for (const std::uint64_t number : reader.get_many<std::uint64_t>())
    wave.blocks.push_back({.number = number, .pieces = {}, .pairs = 0});
  const auto pieces = reader.get_many<PieceRecord>();
  wave.backgrounds = reader.get_many<int>();
  reader.end();
  std::span<const int> rest = wave.backgrounds;
  for (const PieceRecord& piece : pieces) {
    const auto count = static_cast<std::size_t>(piece.backgrounds);
    if (piece.block >= wave.blocks.size() || piece.backgrounds < 1 || count > rest.size())
      MessageReader::fail();
    Block& block = wave.blocks[piece.block];
    block.pieces.push_back({piece.foreground, rest.first(count)});
    block.pairs += count;
    rest = rest.subspan(count);
  }
  for (const Block& block : wave.blocks)
    if (block.pieces.empty()) MessageReader::fail();
  return wave;
}

Message block_message(std::uint64_t block, const BlockAnswers& answers) {
  MessageWriter writer;
  writer.put(Kind::block);
  writer.put(block);
  writer.put(answers.decided_again);
  writer.put_many(std::span<const std::int16_t>(answers.predictions));
  writer.put_many(std::span<const float>(answers.margins));
  writer.put_many(std::span<const float>(answers.logits));
  return writer.take();
}

Message wave_end_message(const WaveEnd& end) {
  MessageWriter writer;
  writer.put(Kind::wave_end);
  writer.put(end.rank);
  writer.put(end.work);
  return writer.take();
}

Message refutation_message(const Refutation& refutation) {
  MessageWriter writer;
  writer.put(Kind::refutation);
  writer.put_many(std::span<const char>(refutation.message));
  return writer.take();
}

std::variant<BlockMessage, WaveEnd, Refutation> read_rank_message(std::span<const std::byte> message) {
  MessageReader reader(message);
  const Kind kind = reader.get<Kind>();
  if (kind == Kind::wave_end) {
    const auto rank = reader.get<std::int32_t>();
    const auto work = reader.get<RankWork>();
    reader.end();
    return WaveEnd{rank, work};
  }
  if (kind == Kind::refutation) {
    const auto text = reader.get_many<char>();
    reader.end();
    return Refutation{{text.begin(), text.end()}};
  }
  if (kind != Kind::block) MessageReader::fail();
  BlockMessage block;
  block.block = reader.get<std::uint64_t>();
  block.answers.decided_again = reader.get<ScreeningCounts>();
  block.answers.predictions = reader.get_many<std::int16_t>();
  block.answers.margins = reader.get_many<float>();
  block.answers.logits = reader.get_many<float>();
  reader.end();
  return block;
}

}  // namespace backdrop
