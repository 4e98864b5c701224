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
#include <string>
#include <vector>

#include "tests/ptx/device_memory.h"
#include "tests/ptx/mbarrier.h"
#include "tests/ptx/order.h"
#include "tests/ptx/program.h"
#include "tests/ptx/shared_memory.h"
#include "tests/ptx/traffic.h"

namespace backdrop::ptx {

inline constexpr int kLanes = 32;
inline constexpr std::uint32_t kAllLanes = ~0u;

struct Launch {
  const Kernel* kernel = nullptr;
  std::uint32_t blocks = 1;   // one dimension is all that our kernels use
  std::uint32_t threads = 1;  // a block
  std::size_t shared_bytes = 0;
  std::vector<std::byte> parameters;
  std::uint32_t number = 1;   // counts launches, from 1
  std::uint32_t cluster = 1;  // blocks of one: 1, 2 or 4
  TrafficCounter* traffic = nullptr;
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

class Cluster;

/// What blocks use one after the other: making it anew for each would take longer than most blocks.
struct Multiprocessor {
  Order order;
  SharedMemory shared[kMostBlocks];                   // of a cluster's blocks
  std::vector<std::vector<std::uint64_t>> registers;  // of each warp
};

/// What a block's warps share.
struct BlockState {
  BlockState(const Launch& block_launch, std::uint32_t block_index, std::uint32_t block_rank,
             Cluster& block_cluster, DeviceMemory& memory, SharedMemory& block_shared, Order& block_order)
      : launch(block_launch),
        index(block_index),
        rank(block_rank),
        cluster(block_cluster),
        global(memory),
        shared(block_shared),
        order(block_order),
        mbarriers(shared, order, static_cast<int>(rank)) {}

  Accessor accessor() const { return {launch.number, index}; }

  const Launch& launch;
  std::uint32_t index;
  std::uint32_t rank;  // in its cluster
  Cluster& cluster;
  DeviceMemory& global;
  SharedMemory& shared;
  Order& order;
  Mbarriers mbarriers;
};

class Warp {
 public:
  enum class State { ready, at_barrier, paused, left };

  Warp(BlockState& block, int index, std::vector<std::uint64_t>& registers);

  /// On to the next barrier, the end, or where others must go on first.
  State run();
  State state() const { return state_; }
  std::int64_t steps() const { return steps_; }
  /// Every warp has come to the barrier.
  void pass_barrier() {
    if (state_ == State::at_barrier) state_ = State::ready;
  }
  /// From an instruction with Flow::wait: others go on first, then the next instruction follows or, if
  /// `again`, this one.
  void pause(std::string waits_for, bool again);
  /// A Fault that names the place.
  void fail_if_waiting() const;

  BlockState& block() { return block_; }
  int index() const { return index_; }
  /// In the cluster's Order.
  int agent() const { return agent_of(static_cast<int>(block_.rank), index_); }
  /// A register of all lanes, as 64 bits each; narrower values in the low bits.
  std::uint64_t* values(int number) { return values_ + std::size_t(number) * kLanes; }
  std::uint64_t address_of(const Address& address, int lane) {
    return values(address.base)[lane] + static_cast<std::uint64_t>(address.offset);
  }
  std::byte* local(int lane, std::uint64_t address, std::size_t bytes);
  const std::byte* parameter(std::uint64_t address, std::size_t bytes) const;

  void start_copy(int lane, std::uint32_t to, std::uint64_t from, std::size_t bytes, std::size_t of_source);
  void commit_copies(int lane);
  void wait_for_copies(int lane, std::size_t pending);

  /// What a product of the warpgroup reads, until it is waited for.
  const std::byte* hold(std::uint32_t address, std::size_t bytes);
  /// Sums that the next product continues, though nobody else may see them yet.
  const std::uint64_t* sums_under_way(int number);
  /// Writes a register when the product is waited for. Until then only products may use it.
  void put_later(int number, const std::uint64_t (&values)[kLanes]);
  /// The same for one that a product reads.
  void hold_register(int number);
  void commit_products();
  void wait_for_products(std::size_t pending);
  /// What other instructions did to registers until now is over when a product reads or writes them.
  void fence_registers() { fenced_at_ = steps_; }
  /// Throws if another instruction than a product used the register and no fence came behind that.
  void check_fenced(int number) const;

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
    std::vector<int> held_registers;
    std::uint32_t held_since = 0;                           // so many barriers
    std::map<int, std::array<std::uint64_t, kLanes>> sums;  // by register
  };

  struct RegisterUse {
    std::int64_t last = 0;  // step of another instruction than a product
    int products = 0;       // that are under way
  };

  void use_registers(const Instruction& instruction);
  std::uint32_t guarded(const Instruction& instruction, std::uint32_t lanes);
  void run_group(int at, std::uint32_t lanes);
  void execute(const Instruction& instruction, std::uint32_t lanes);
  [[noreturn]] void fail(const Instruction& instruction, const char* what) const;

  BlockState& block_;
  int index_;
  State state_ = State::ready;
  std::int64_t steps_ = 0;
  std::uint64_t* values_;
  std::vector<std::byte> local_;
  int place_[kLanes] = {};                 // of each lane in the code
  std::uint32_t alive_ = 0;                // lanes that have not left
  std::uint32_t waiting_ = 0;              // for the others, at an instruction that all execute together
  const Instruction* waits_at_ = nullptr;  // when paused
  std::string waits_for_;
  bool waits_again_ = false;
  std::vector<Copy> started_[kLanes];
  std::deque<std::vector<Copy>> copies_[kLanes];             // groups
  std::deque<Products> products_ = std::deque<Products>(1);  // groups, the last one not committed
  std::vector<RegisterUse> uses_;                            // of each register, where there are products
  std::int64_t fenced_at_ = 0;
};

/// Runs all clusters one after the other. Throws Fault, with the kernel, the place in the source and the
/// block, at the first thing that is wrong. Returns the number of instructions that warps executed.
std::int64_t run(const Launch& launch, Multiprocessor& multiprocessor, DeviceMemory& memory,
                 std::mt19937& generator);

}  // namespace backdrop::ptx
