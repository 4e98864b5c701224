/// \file
/// The memory of a GPU that is not there: the host's, with a record of what was allocated and written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace backdrop::ptx {

/// Which block of which launch accesses memory.
struct Accessor {
  std::uint32_t launch = 0;
  std::uint32_t block = 0;
};

/// Every access of a kernel is checked, and what may not be is a Fault: outside what is allocated, askew,
/// bytes that nobody wrote, and bytes that one block of a launch writes and another one reads or writes.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t limit) : limit_(limit) {}

  /// Null if there is no room. The contents are no numbers.
  void* allocate(std::size_t bytes);
  /// False if it was not allocated.
  bool free(void* data);
  std::size_t limit() const { return limit_; }
  std::size_t in_use() const { return in_use_; }

  const std::byte* read(std::uint64_t address, std::size_t bytes, std::uint32_t used, Accessor by);
  std::byte* write(std::uint64_t address, std::size_t bytes, Accessor by);

  /// For copies that the host asks for. A Fault if it is not the device's memory.
  void note_host_write(const void* data, std::size_t bytes);
  void check_host_read(const void* data, std::size_t bytes);
  bool owns(const void* data) const;

 private:
  struct Block {
    std::unique_ptr<std::byte[]> storage;
    std::size_t bytes;
    std::vector<bool> written;
    std::vector<std::uint32_t> readers;  // a mark of launch and block a byte
    std::vector<std::uint32_t> writers;
  };

  Block& find(std::uint64_t address, std::size_t bytes, const char* what);

  std::size_t limit_;
  std::size_t in_use_ = 0;
  std::map<std::uint64_t, Block> blocks_;
  std::uint64_t last_base_ = 0;
  Block* last_ = nullptr;
};

}  // namespace backdrop::ptx
