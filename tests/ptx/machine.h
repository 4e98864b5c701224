/// \file
/// Runs kernels on the CPU as a GPU's multiprocessor would: warps of 32 lanes, each lane at its own place in
/// the code, barriers, copies and products that end as late as they may.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "tests/ptx/device_memory.h"
#include "tests/ptx/program.h"
#include "tests/ptx/shared_memory.h"

namespace backdrop::ptx {

inline constexpr int kLanes = 32;
inline constexpr std::uint32_t kAllLanes = ~0u;

struct Launch {
  const Kernel* kernel = nullptr;
  std::uint32_t blocks = 1;   // one dimension is all that our kernels use
  std::uint32_t threads = 1;  // a block
  std::size_t shared_bytes = 0;
  std::vector<std::byte> parameters;
  std::uint32_t number = 1;  // counts launches, from 1
};

/// Calls `body(lane)` for the lanes whose bits are set.
template <class Body>
void for_lanes(std::uint32_t lanes, const Body& body) {
  if (lanes == kAllLanes) {
    for (int lane = 0; lane < kLanes; ++lane) body(lane);
    return;
  }
  for (; lanes != 0; lanes &= lanes - 1) body(__builtin_ctz(lanes));
}

/// What blocks use one after the other: making it anew for each would take longer than most blocks.
struct Multiprocessor {
  SharedMemory shared;
  std::vector<std::vector<std::uint64_t>> registers;  // of each warp
};

/// What a block's warps share.
struct BlockState {
  Accessor accessor() const { return {launch.number, index}; }

  const Launch& launch;
  std::uint32_t index;
  DeviceMemory& global;
  SharedMemory& shared;
};

class Warp {
 public:
  enum class State { ready, at_barrier, left };

  Warp(BlockState& block, int index, std::vector<std::uint64_t>& registers);

  /// On to the next barrier or the end.
  State run();
  State state() const { return state_; }
  std::int64_t steps() const { return steps_; }
  /// Every warp has come to the barrier.
  void pass_barrier() { state_ = State::ready; }

  BlockState& block() { return block_; }
  int index() const { return index_; }
  /// A register of all lanes, as 64 bits each; narrower values in the low bits.
  std::uint64_t* values(int number) { return values_ + std::size_t(number) * kLanes; }
  std::byte* local(int lane, std::uint64_t address, std::size_t bytes);
  const std::byte* parameter(std::uint64_t address, std::size_t bytes) const;

  void start_copy(int lane, std::uint32_t to, std::uint64_t from, std::size_t bytes, std::size_t of_source);
  void commit_copies(int lane);
  void wait_for_copies(int lane, std::size_t pending);

  /// What a product of the warpgroup reads, until it is waited for.
  const std::byte* hold(std::uint32_t address, std::size_t bytes);
  /// Sums that the next product continues, though nobody else may see them yet.
  const std::uint64_t* sums_under_way(int number);
  /// Writes a register when the product is waited for.
  void put_later(int number, const std::uint64_t (&values)[kLanes]);
  void commit_products();
  void wait_for_products(std::size_t pending);

 private:
  struct Copy {
    std::uint32_t to;
    std::uint64_t from;
    std::size_t bytes;
    std::size_t of_source;  // the rest is zeros
  };
  struct Range {
    std::uint32_t address;
    std::size_t bytes;
  };

  // Products between two commits.
  struct Products {
    std::vector<Range> held;
    std::map<int, std::array<std::uint64_t, kLanes>> sums;  // by register
  };

  std::uint32_t guarded(const Instruction& instruction, std::uint32_t lanes);
  void run_group(int at, std::uint32_t lanes);
  [[noreturn]] void fail(const Instruction& instruction, const char* what) const;

  BlockState& block_;
  int index_;
  State state_ = State::ready;
  std::int64_t steps_ = 0;
  std::uint64_t* values_;
  std::vector<std::byte> local_;
  int place_[kLanes] = {};     // of each lane in the code
  std::uint32_t alive_ = 0;    // lanes that have not left
  std::uint32_t waiting_ = 0;  // for the others, at an instruction that all execute together
  std::vector<Copy> started_[kLanes];
  std::deque<std::vector<Copy>> copies_[kLanes];             // groups
  std::deque<Products> products_ = std::deque<Products>(1);  // groups, the last one not committed
};

/// Runs all blocks one after the other, and a block's warps from barrier to barrier in random order. Throws
/// Fault, with the kernel, the place in the source and the block, at the first thing that is wrong. Returns
/// the number of instructions that warps executed.
std::int64_t run(const Launch& launch, Multiprocessor& multiprocessor, DeviceMemory& memory,
                 std::mt19937& generator);

}  // namespace backdrop::ptx
