// Repairs the SHA-256 of a journal's header and of the records behind it, as far as their sizes lead
// (search/journal.h has the layout).
#include <cstring>
#include <string>
#include <string_view>

#include "core/hash.h"
#include "fuzz/checksums.h"

namespace {

using backdrop::kHashDigits;
constexpr std::size_t kRecordHead = 24;
constexpr std::size_t kPieceBytes = 8;
constexpr std::size_t kCountsBytes = 24;
constexpr std::size_t kPairBytes = 10;

/// Writes the hash of the first `hashed` bytes behind them, `gap` bytes on. Whether there was room.
bool repair_hash(std::span<std::uint8_t> bytes, std::size_t hashed, std::size_t gap) {
  if (hashed + gap + kHashDigits > bytes.size()) return false;
  const std::string digits = backdrop::sha256_of(bytes.data(), hashed);
  std::memcpy(bytes.data() + hashed + gap, digits.data(), kHashDigits);
  return true;
}

void repair_journal(std::span<std::uint8_t> file) {
  constexpr std::string_view kHashLine = "\nsha256 ";
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const std::size_t line = text.find(kHashLine);
  if (line == std::string_view::npos || !repair_hash(file, line + 1, kHashLine.size() - 1)) return;
  std::size_t at = line + kHashLine.size() + kHashDigits + 1;
  while (at + kRecordHead <= file.size()) {
    std::uint32_t pieces = 0;
    std::uint64_t pairs = 0;
    std::memcpy(&pieces, file.data() + at + 4, sizeof pieces);
    std::memcpy(&pairs, file.data() + at + 16, sizeof pairs);
    if (pieces > file.size() || pairs > file.size()) return;
    const std::size_t hashed = kRecordHead + pieces * kPieceBytes + kCountsBytes + pairs * kPairBytes;
    if (!repair_hash(file.subspan(at), hashed, 0)) return;
    at += hashed + kHashDigits;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest,
                                               unsigned seed) {
  return backdrop::fuzz::mutate_and_repair(data, size, largest, seed, repair_journal);
}
