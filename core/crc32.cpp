// Eight bytes a step (M. Kounavis, F. Berry: slicing-by-8).
#include "core/crc32.h"

#include <array>
#include <bit>
#include <cstring>

namespace backdrop {
namespace {

static_assert(std::endian::native == std::endian::little, "eight bytes are read as one number");

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320u : 0u);
    tables[0][byte] = value;
  }
  for (std::size_t step = 1; step < 8; ++step)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[step][byte] = (tables[step - 1][byte] >> 8) ^ tables[0][tables[step - 1][byte] & 0xff];
  return tables;
}

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr Tables tables = make_tables();
  std::uint32_t crc = 0xffffffff;
  std::size_t position = 0;
  for (; bytes.size() - position >= 8; position += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes.data() + position, sizeof eight);
    eight ^= crc;
    crc = 0;
    for (std::size_t step = 0; step < 8; ++step) crc ^= tables[7 - step][(eight >> (8 * step)) & 0xff];
  }
  for (; position < bytes.size(); ++position)
    crc = (crc >> 8) ^ tables[0][(crc ^ std::to_integer<std::uint32_t>(bytes[position])) & 0xff];
  return ~crc;
}

}  // namespace backdrop
