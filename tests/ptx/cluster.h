/// \file
/// Blocks that run at the same time: one, or a cluster's.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "tests/ptx/machine.h"

namespace backdrop::ptx {

/// Runs the warps of all its blocks, each until it must wait, in random order; of a cluster's blocks one may
/// be late, at random. That nobody can go on any more is a Fault, and so is what a block does to one that has
/// left.
class Cluster {
 public:
  Cluster(const Launch& launch, std::uint32_t first_block, Multiprocessor& multiprocessor,
          DeviceMemory& memory, std::mt19937& generator);

  /// Returns the number of instructions that warps executed.
  std::int64_t run();

  std::mt19937& generator() { return generator_; }
  /// Somebody did what others may wait for.
  void note_event() { ++events_; }
  /// Another block of the cluster, whose shared memory is used.
  BlockState& block(std::uint32_t rank);

  /// barrier.cluster: a warp's arrival, and whether all that have not left came there.
  void arrive(const Warp& warp, bool is_relaxed);
  bool passes(const Warp& warp);

 private:
  bool has_left(const BlockState& block) const;
  void check_end(const BlockState& block) const;
  void pass_barrier(const BlockState& block);
  [[noreturn]] void fail_idle() const;

  std::mt19937& generator_;
  Order& order_;
  std::vector<std::unique_ptr<BlockState>> blocks_;
  std::vector<std::unique_ptr<Warp>> warps_;  // block by block
  std::int64_t events_ = 0;
  std::vector<int> arrivals_;  // of each agent at the cluster's barrier
  std::vector<int> passages_;
  int latest_arrival_ = 0;
  Clock told_[2] = {};  // by those who arrived, in turns
};

}  // namespace backdrop::ptx
