/// \file
/// Mutators that make an input's checksums right again, so that a fuzzer gets past them to what they protect.
/// Used by the libFuzzer programs alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t largest);

namespace backdrop::fuzz {

/// CRC-32 as zip and PNG use it (ISO 3309).
std::uint32_t crc32(std::span<const std::uint8_t> bytes);

/// Mutates, then repairs three times out of four: a wrong checksum must be found, too.
template <typename Repair>
std::size_t mutate_and_repair(std::uint8_t* data, std::size_t size, std::size_t largest, unsigned seed,
                              Repair&& repair) {
  size = LLVMFuzzerMutate(data, size, largest);
  if (seed % 4 != 0) repair(std::span(data, size));
  return size;
}

}  // namespace backdrop::fuzz
