#include "tests/ptx/traffic.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <vector>

#include "tests/ptx/machine.h"

namespace backdrop::ptx {
namespace {

constexpr int kBanks = 32;
constexpr int kWordBytes = 4;
constexpr int kWavefrontBytes = kBanks * kWordBytes;
constexpr int kSectorBytes = 32;

using U64 = std::uint64_t;

// Where the lanes access memory; those that do not are left out.
std::vector<U64> addresses_of(Warp& warp, const Address& address, std::uint32_t lanes) {
  std::vector<U64> addresses;
  for_lanes(lanes, [&](int lane) {
    addresses.push_back(warp.values(address.base)[lane] + static_cast<U64>(address.offset));
  });
  return addresses;
}

// As many lanes at once as a wavefront has room for.
void count_shared(const std::vector<U64>& addresses, int bytes, Traffic& traffic) {
  const std::size_t together = std::min(kLanes, kWavefrontBytes / bytes);
  for (std::size_t first = 0; first < addresses.size(); first += together) {
    std::set<U64> words_of[kBanks];
    std::size_t most = 0;
    for (std::size_t i = first; i < std::min(addresses.size(), first + together); ++i)
      for (U64 word = addresses[i] / kWordBytes; word * kWordBytes < addresses[i] + bytes; ++word) {
        std::set<U64>& words = words_of[word % kBanks];
        words.insert(word);
        most = std::max(most, words.size());
      }
    traffic.wavefronts += static_cast<std::int64_t>(most);
    ++traffic.least_wavefronts;
  }
}

// Returns the sectors.
std::int64_t count_global(const std::vector<U64>& addresses, int bytes, Traffic& traffic) {
  std::set<U64> sectors, words;
  for (const U64 address : addresses) {
    for (U64 sector = address / kSectorBytes; sector * kSectorBytes < address + bytes; ++sector)
      sectors.insert(sector);
    for (U64 word = address / kWordBytes; word * kWordBytes < address + bytes; ++word) words.insert(word);
  }
  traffic.sectors += static_cast<std::int64_t>(sectors.size());
  traffic.least_sectors +=
      static_cast<std::int64_t>((words.size() * kWordBytes + kSectorBytes - 1) / kSectorBytes);
  return static_cast<std::int64_t>(sectors.size());
}

// A warp has 16 of a product's rows; of the columns that a warpgroup's four warps share, each reads a fourth.
void count_product(const std::string& name, Traffic& traffic) {
  constexpr std::int64_t kWarpRows = 16, kStepBytes = 32;
  const bool warpgroup = name.starts_with("wgmma");
  int rows = 0, columns = 0, inner = 0;
  std::sscanf(name.c_str() + name.rfind(".m") + 1, "m%dn%dk%d", &rows, &columns, &inner);
  traffic.multiply_adds += kWarpRows * columns * inner;
  if (warpgroup) traffic.operand_bytes += (kWarpRows + columns / 4) * kStepBytes;
}

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  instructions += other.instructions;
  multiply_adds += other.multiply_adds;
  wavefronts += other.wavefronts;
  least_wavefronts += other.least_wavefronts;
  sectors += other.sectors;
  least_sectors += other.least_sectors;
  copied_bytes += other.copied_bytes;
  operand_bytes += other.operand_bytes;
  return *this;
}

void TrafficCounter::count(Warp& warp, const Instruction& instruction, std::uint32_t lanes) {
  Traffic& traffic = by_line_[instruction.line];
  const std::string& name = instruction.name;
  const auto addresses = [&](int which, std::uint32_t of_lanes) {
    return addresses_of(warp, instruction.addresses[which], of_lanes);
  };
  ++traffic.instructions;
  const int bytes = instruction.element_bytes * instruction.elements;
  if (instruction.space == Space::shared) {
    count_shared(addresses(0, lanes), bytes, traffic);
  } else if (instruction.space == Space::global) {
    count_global(addresses(0, lanes), bytes, traffic);
  } else if (name.starts_with("ldmatrix")) {
    constexpr int kRowBytes = 16;
    count_shared(addresses(0, lanes), kRowBytes, traffic);
    traffic.operand_bytes += kLanes * kRowBytes;
  } else if (name.starts_with("cp.async.bulk") && !instruction.addresses.empty()) {
    for_lanes(lanes, [&](int lane) {
      traffic.copied_bytes += static_cast<std::int64_t>(warp.values(instruction.operands[0])[lane]);
    });
  } else if (name.starts_with("cp.async.c") && !instruction.addresses.empty()) {
    const int copied = static_cast<int>(warp.values(instruction.operands[0])[0]);
    std::uint32_t reading = 0;  // others write zeros
    for_lanes(lanes, [&](int lane) {
      if (instruction.operands.size() < 2 ||
          static_cast<std::uint32_t>(warp.values(instruction.operands[1])[lane]) != 0)
        reading |= 1u << lane;
    });
    count_shared(addresses(0, lanes), copied, traffic);
    traffic.copied_bytes += kSectorBytes * count_global(addresses(1, reading), copied, traffic);
  } else if (name.starts_with("mma.sync") || name.starts_with("wgmma.mma_async")) {
    count_product(name, traffic);
  }
}

Traffic TrafficCounter::total() const {
  Traffic total;
  for (const auto& [line, traffic] : by_line_) total += traffic;
  return total;
}

}  // namespace backdrop::ptx
