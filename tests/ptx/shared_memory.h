/// \file
/// A block's shared memory, which knows who wrote and read each byte since the last barrier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/ptx/order.h"

namespace backdrop::ptx {

/// Addresses are those of the shared address space. Every access is checked, and what may not be is a Fault:
/// outside the memory; bytes that nobody wrote; two warps at the same bytes without a barrier between, or
/// mbarriers by which one knows of the other, one of them writing (lanes of one warp are not told apart);
/// bytes of a copy that is still under way (from cp.async until its thread has waited for it, from
/// cp.async.bulk until somebody waits for its mbarrier, and then for all who do not know of that phase);
/// bytes that tensor cores may still read (from wgmma until it is waited for); bytes that tensor cores read,
/// or bulk copies write, though their writer has not shown them by fence.proxy.async; and those of an
/// mbarrier.
///
/// Warps are numbers of the block's, but for bulk copies, which any agent of the Order may start.
class SharedMemory {
 public:
  /// For the next block, of this rank in its cluster: nothing is written. The memory of the one before is
  /// used again.
  void begin_block(std::size_t bytes, Order& order, int rank);

  const std::byte* read(std::uint32_t address, std::size_t bytes, int warp);
  std::byte* write(std::uint32_t address, std::size_t bytes, int warp);
  /// A read and a write of one step that no other comes between.
  std::byte* update(std::uint32_t address, std::size_t bytes);

  void start_copy(std::uint32_t address, std::size_t bytes, int warp);
  std::byte* finish_copy(std::uint32_t address, std::size_t bytes, int warp);

  /// fence.proxy.async by a warp.
  void fence(int warp);
  /// For tensor cores, until `release`.
  const std::byte* hold(std::uint32_t address, std::size_t bytes, int warp);
  void release(std::uint32_t address, std::size_t bytes, int warp, std::uint32_t held_since);

  /// Eight bytes that nothing else may touch until `remove_mbarrier`.
  void make_mbarrier(std::uint32_t address, int warp);
  void remove_mbarrier(std::uint32_t address);
  /// That whoever uses an mbarrier knows that it was made.
  void check_made(std::uint32_t address, int agent) const;
  void start_bulk_copy(std::uint32_t address, std::size_t bytes, int agent);

  /// Every warp has come here: what was done before is over for all of them.
  void barrier();
  /// Counts barriers.
  std::uint32_t epoch() const { return epoch_; }
  bool has_copies() const { return bytes_copying_ > 0; }

 private:
  std::uint32_t mark(int warp) const { return epoch_ * 64 + static_cast<std::uint32_t>(warp); }
  bool is_over(std::uint32_t mark, std::uint32_t time, int agent) const;
  bool are_reads_over(std::size_t i, int agent) const;
  std::size_t place(std::uint32_t address, std::size_t bytes) const;
  bool may_read(std::size_t first, std::size_t bytes, int warp) const;
  bool may_write(std::size_t first, std::size_t bytes, int warp) const;
  void check_read(std::size_t first, std::size_t bytes, int agent) const;
  void check_write(std::uint32_t address, std::size_t bytes, int warp) const;
  void check_write_of(std::size_t i, int agent) const;
  bool is_shown(std::size_t i, int agent) const;
  void occupy(std::size_t first, std::size_t bytes);
  void note_read(std::size_t first, std::size_t bytes, int warp);
  void note_write(std::size_t first, std::size_t bytes, int warp);

  Order* order_ = nullptr;
  int rank_ = 0;
  std::size_t bytes_ = 0;
  std::vector<std::byte> memory_;
  // Of each byte:
  std::vector<std::uint32_t> written_;                 // when and by which warp or mbarrier, see `mark`
  std::vector<std::uint32_t> read_;                    // likewise
  std::vector<std::uint32_t> times_;                   // the writer's time
  std::vector<std::uint16_t> held_;                    // by so many products
  std::vector<std::uint8_t> occupied_;                 // by what is under way there, or an mbarrier
  std::vector<std::uint32_t> read_times_[kMostWarps];  // each warp's, while the Order tracks them
  std::vector<std::uint32_t> mbarriers_;               // where they are
  std::uint32_t epoch_ = 0;                            // counts barriers, of all blocks
  std::uint32_t first_epoch_ = 0;                      // of this block
  std::vector<std::uint32_t> fences_[kMostWarps];      // their times in this block
  std::size_t bytes_copying_ = 0;
  std::size_t bytes_held_ = 0;  // once for each product
};

}  // namespace backdrop::ptx
