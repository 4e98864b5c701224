/// \file
/// A block's shared memory, which knows who wrote and read each byte since the last barrier.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace backdrop::ptx {

/// Addresses are those of the shared address space. Every access is checked, and what may not be is a Fault:
/// outside the memory; bytes that nobody wrote; two warps at the same bytes without a barrier between, one of
/// them writing (lanes of one warp are not told apart); bytes of a copy that is still under way (from
/// cp.async until its thread has waited for it); bytes that tensor cores may still read (from wgmma until it
/// is waited for); and bytes that tensor cores read though their writer has not shown them by
/// fence.proxy.async.
class SharedMemory {
 public:
  /// For the next block: nothing is written. The memory of the one before is used again.
  void begin_block(std::size_t bytes);

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
  void release(std::uint32_t address, std::size_t bytes);

  /// Every warp has come here: what was done before is over for all of them.
  void barrier();
  bool has_copies() const { return bytes_copying_ > 0; }

 private:
  std::uint32_t mark(int warp) const { return epoch_ * 64 + static_cast<std::uint32_t>(warp); }
  bool is_of_other(std::uint32_t mark, int warp) const;
  std::size_t place(std::uint32_t address, std::size_t bytes) const;
  bool may_read(std::size_t first, std::size_t bytes, int warp) const;
  bool may_write(std::size_t first, std::size_t bytes, int warp) const;
  void check_write(std::uint32_t address, std::size_t bytes, int warp) const;
  void note_write(std::size_t first, std::size_t bytes, int warp);

  std::size_t bytes_ = 0;
  std::vector<std::byte> memory_;
  // Of each byte:
  std::vector<std::uint32_t> written_;  // when and by which warp, see `mark`
  std::vector<std::uint32_t> read_;     // likewise
  std::vector<std::uint32_t> shown_;    // fences of the writer at that time
  std::vector<std::uint16_t> held_;     // by so many products
  std::vector<std::uint8_t> copying_;   // whether a copy to it is under way
  std::uint32_t epoch_ = 0;             // counts barriers, of all blocks
  std::uint32_t first_epoch_ = 0;       // of this block
  std::uint32_t fences_[32] = {};
  std::size_t bytes_copying_ = 0;
  std::size_t bytes_held_ = 0;  // once for each product
};

}  // namespace backdrop::ptx
