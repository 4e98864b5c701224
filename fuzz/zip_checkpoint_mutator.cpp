// Repairs the CRC of every stored entry of a zip archive in the directory, where the reader takes it from
// (PKWARE APPNOTE 6.3, 4.3.7 and 4.3.12).
#include <cstring>

#include "fuzz/checksums.h"

namespace {

constexpr std::size_t kCentralHeader = 46;
constexpr std::size_t kLocalHeader = 30;

std::size_t number(std::span<const std::uint8_t> bytes, std::size_t at, int count) {
  std::size_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

bool holds(std::span<const std::uint8_t> file, std::size_t at, std::size_t count, const char* signature) {
  return at <= file.size() && file.size() - at >= count && std::memcmp(file.data() + at, signature, 4) == 0;
}

void repair_entry(std::span<std::uint8_t> file, std::size_t central) {
  const std::size_t size = number(file, central + 20, 4);
  const std::size_t local = number(file, central + 42, 4);
  if (!holds(file, local, kLocalHeader, "PK\3\4")) return;
  const std::size_t data = local + kLocalHeader + number(file, local + 26, 2) + number(file, local + 28, 2);
  if (data > file.size() || size > file.size() - data) return;
  const std::uint32_t crc = backdrop::fuzz::crc32(file.subspan(data, size));
  for (std::size_t i = 0; i < 4; ++i) file[central + 16 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
}

void repair_zip(std::span<std::uint8_t> file) {
  for (std::size_t at = 0; at + kCentralHeader <= file.size(); ++at)
    if (holds(file, at, kCentralHeader, "PK\1\2")) repair_entry(file, at);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest,
                                               unsigned seed) {
  return backdrop::fuzz::mutate_and_repair(data, size, largest, seed, repair_zip);
}
