/// \file
/// A block's mbarriers, and the bulk copies that report to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/ptx/order.h"
#include "tests/ptx/shared_memory.h"

namespace backdrop::ptx {

/// "mbarrier" in the PTX manual: phases that are complete when all arrived and all bytes that they expect
/// were copied. Copies end as late as they may: when somebody waits for a phase that lacks nothing else. What
/// is undefined is a Fault: mbarriers that are not there, or not for whoever uses them; more arrivals or
/// bytes than a phase expects; a phase that is over before its copies are.
///
/// Warps are agents of the cluster's Order, addresses this block's.
class Mbarriers {
 public:
  Mbarriers(SharedMemory& shared, Order& order, int rank) : shared_(shared), order_(order), rank_(rank) {}

  void init(std::uint32_t address, std::uint32_t count, int warp);
  void invalidate(std::uint32_t address, int warp);
  /// The warp's fence.proxy.async or fence.mbarrier_init: copies may report to what it made.
  void fence(int warp);

  void expect(std::uint32_t address, std::size_t bytes, int warp);
  /// Returns the phase. A relaxed arrival says nothing of what was before it.
  std::uint64_t arrive(std::uint32_t address, std::uint32_t count, int warp, bool is_relaxed);
  void start_copy(std::uint32_t to, const std::byte* from, std::size_t bytes, std::uint32_t address,
                  int warp);

  /// Whether the phase of this parity is complete. If it lacks nothing but copies under way, they end now,
  /// or, if `later`, when somebody asks again.
  bool test(std::uint32_t address, std::uint32_t parity, int warp, bool is_relaxed, bool later);
  /// Whether copies that a block of the cluster started are under way.
  bool has_copies_of(int rank) const;
  /// What the phase under way lacks, in words.
  std::string missing(std::uint32_t address);

 private:
  struct Copy {
    std::uint32_t to;
    const std::byte* from;
    std::size_t bytes;
    int warp;
  };
  struct Mbarrier {
    std::uint32_t address;
    int agent;                  // by which what it had copied is known
    int maker;                  // a warp
    std::uint32_t count;        // of a phase's arrivals
    std::uint32_t arrived = 0;  // in this phase; so are the following
    std::size_t expected = 0;   // bytes
    std::size_t under_way = 0;  // likewise
    std::vector<Copy> copies = {};
    Clock told = {};          // by those who arrived
    bool was_asked = false;   // whether it is complete, though only copies were missing
    std::uint64_t phase = 0;  // so many are complete
    Clock completed = {};     // what the last one of them tells
    bool is_shown = false;    // to copies
  };

  Mbarrier* find_if(std::uint32_t address);
  Mbarrier& find(std::uint32_t address, int warp);
  void finish_copies(Mbarrier& mbarrier);
  void complete(Mbarrier& mbarrier);

  SharedMemory& shared_;
  Order& order_;
  int rank_;
  int made_ = 0;
  std::vector<Mbarrier> mbarriers_;
};

}  // namespace backdrop::ptx
