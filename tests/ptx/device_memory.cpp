#include "tests/ptx/device_memory.h"

#include <cstring>
#include <string>

#include "tests/ptx/program.h"

namespace backdrop::ptx {
namespace {

constexpr std::size_t kAlignment = 256;  // as cudaMalloc's
constexpr std::uint32_t kSeveralBlocks = 0xfff;

// Blocks are told apart modulo 4,095, which can miss a race but never sees one that is none.
std::uint32_t mark(Accessor by) {
  return by.launch << 12 | by.block % kSeveralBlocks;
}

bool is_of_other(std::uint32_t mark, Accessor by) {
  return mark >> 12 == (by.launch & 0xfffff) && (mark & 0xfff) != by.block % kSeveralBlocks;
}

[[noreturn]] void fail(const std::string& what, std::size_t offset, std::size_t bytes) {
  throw Fault(what + " (byte " + std::to_string(offset) + " of an allocation of " + std::to_string(bytes) +
              ")");
}

}  // namespace

void* DeviceMemory::allocate(std::size_t bytes) {
  if (in_use_ + bytes > limit_) return nullptr;
  Block block{std::make_unique<std::byte[]>(bytes + 2 * kAlignment), bytes, {}, {}, {}};
  const auto start = reinterpret_cast<std::uint64_t>(block.storage.get());
  const std::uint64_t base = (start + kAlignment - 1) / kAlignment * kAlignment;
  std::memset(reinterpret_cast<void*>(base), 0xff, bytes);
  block.written.resize(bytes, false);
  block.readers.resize(bytes, 0);
  block.writers.resize(bytes, 0);
  blocks_.emplace(base, std::move(block));
  in_use_ += bytes;
  return reinterpret_cast<void*>(base);
}

bool DeviceMemory::free(void* data) {
  if (data == nullptr) return true;
  const auto found = blocks_.find(reinterpret_cast<std::uint64_t>(data));
  if (found == blocks_.end()) return false;
  in_use_ -= found->second.bytes;
  blocks_.erase(found);
  last_ = nullptr;
  return true;
}

DeviceMemory::Block& DeviceMemory::find(std::uint64_t address, std::size_t bytes, const char* what) {
  if (last_ == nullptr || address < last_base_ || address + bytes > last_base_ + last_->bytes) {
    const auto after = blocks_.upper_bound(address);
    const auto found = after == blocks_.begin() ? blocks_.end() : std::prev(after);
    if (found == blocks_.end() || address >= found->first + found->second.bytes + kAlignment)
      throw Fault(std::string(what) + " is not in any allocation");
    if (address + bytes > found->first + found->second.bytes)
      fail(std::string(what) + " lies outside", address - found->first, found->second.bytes);
    last_base_ = found->first;
    last_ = &found->second;
  }
  return *last_;
}

const std::byte* DeviceMemory::read(std::uint64_t address, std::size_t bytes, std::uint32_t used,
                                    Accessor by) {
  if (address % bytes != 0) throw Fault("global memory is read askew");
  Block& block = find(address, bytes, "what is read");
  const std::size_t first = address - last_base_;
  for (std::size_t i = first; i < first + bytes; ++i) {
    if ((used >> (i - first) & 1) == 0) continue;
    if (!block.written[i]) fail("read though nothing was written", i, block.bytes);
    if (is_of_other(block.writers[i], by))
      fail("race: another block of the launch writes it", i, block.bytes);
    if (is_of_other(block.readers[i], by))
      block.readers[i] = by.launch << 12 | kSeveralBlocks;
    else
      block.readers[i] = mark(by);
  }
  return reinterpret_cast<const std::byte*>(address);
}

std::byte* DeviceMemory::write(std::uint64_t address, std::size_t bytes, Accessor by) {
  if (address % bytes != 0) throw Fault("global memory is written askew");
  Block& block = find(address, bytes, "what is written");
  const std::size_t first = address - last_base_;
  for (std::size_t i = first; i < first + bytes; ++i) {
    if (is_of_other(block.writers[i], by))
      fail("race: another block of the launch writes it", i, block.bytes);
    if (is_of_other(block.readers[i], by)) fail("race: another block of the launch reads it", i, block.bytes);
    block.written[i] = true;
    block.writers[i] = mark(by);
  }
  return reinterpret_cast<std::byte*>(address);
}

void DeviceMemory::note_host_write(const void* data, std::size_t bytes) {
  if (bytes == 0) return;
  const auto address = reinterpret_cast<std::uint64_t>(data);
  Block& block = find(address, bytes, "what is copied to");
  for (std::size_t i = 0; i < bytes; ++i) block.written[address - last_base_ + i] = true;
}

void DeviceMemory::check_host_read(const void* data, std::size_t bytes) {
  if (bytes == 0) return;
  const auto address = reinterpret_cast<std::uint64_t>(data);
  Block& block = find(address, bytes, "what is copied from");
  for (std::size_t i = 0; i < bytes; ++i)
    if (!block.written[address - last_base_ + i])
      fail("copied though nothing was written", address - last_base_ + i, block.bytes);
}

bool DeviceMemory::owns(const void* data) const {
  const auto address = reinterpret_cast<std::uint64_t>(data);
  const auto after = blocks_.upper_bound(address);
  return after != blocks_.begin() && address < std::prev(after)->first + std::prev(after)->second.bytes;
}

}  // namespace backdrop::ptx
