/// \file
/// What a kernel's accesses would cost a GPU's memories, counted by its instructions: no time, but what does
/// not depend on one.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/ptx/program.h"

namespace backdrop::ptx {

/// Of warps. Wavefronts are accesses to shared memory, in each of which a bank of four bytes serves one word;
/// sectors are 32 bytes of device memory. The least would do if all accesses of an instruction fell on
/// different banks, and on neighbouring bytes.
struct Traffic {
  std::int64_t instructions = 0;
  std::int64_t multiply_adds = 0;  ///< of tensor cores
  std::int64_t wavefronts = 0;
  std::int64_t least_wavefronts = 0;
  std::int64_t sectors = 0;
  std::int64_t least_sectors = 0;
  std::int64_t copied_bytes = 0;   ///< to shared memory: sectors by cp.async, and bulk copies
  std::int64_t operand_bytes = 0;  ///< that products read from shared memory

  Traffic& operator+=(const Traffic& other);
};

class TrafficCounter {
 public:
  void count(Warp& warp, const Instruction& instruction, std::uint32_t lanes);
  Traffic total() const;
  const std::map<std::string, Traffic>& by_line() const { return by_line_; }

 private:
  std::map<std::string, Traffic> by_line_;  // of the source
};

}  // namespace backdrop::ptx
