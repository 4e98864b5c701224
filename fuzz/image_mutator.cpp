// Repairs the CRC of every PNG chunk: length, type, data, CRC of type and data, all big-endian.
#include <cstring>

#include "fuzz/checksums.h"

namespace {

constexpr std::size_t kSignature = 8;

std::size_t big_endian(std::span<const std::uint8_t> bytes) {
  return std::size_t{bytes[0]} << 24 | std::size_t{bytes[1]} << 16 | std::size_t{bytes[2]} << 8 | bytes[3];
}

void repair_png(std::span<std::uint8_t> file) {
  if (file.size() < kSignature || std::memcmp(file.data(), "\x89PNG\r\n\x1A\n", kSignature) != 0) return;
  std::span<std::uint8_t> rest = file.subspan(kSignature);
  while (rest.size() >= 12) {
    const std::size_t length = big_endian(rest);
    if (length > rest.size() - 12) return;
    const std::uint32_t crc = backdrop::fuzz::crc32(rest.subspan(4, 4 + length));
    for (std::size_t i = 0; i < 4; ++i) rest[8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    rest = rest.subspan(12 + length);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest,
                                               unsigned seed) {
  return backdrop::fuzz::mutate_and_repair(data, size, largest, seed, repair_png);
}
