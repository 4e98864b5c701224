/// \file
/// CRC-32 as zip archives and PNG files have it (polynomial 0xEDB88320, bits reflected).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace backdrop {

std::uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace backdrop
