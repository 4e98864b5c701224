#include "tests/ptx/shared_memory.h"

#include <algorithm>
#include <string>

#include "tests/ptx/program.h"

namespace backdrop::ptx {
namespace {

constexpr std::uint32_t kSeveral = 63;  // in place of a warp: more than one
constexpr std::uint32_t kMostEpochs = 1u << 25;
constexpr std::uint32_t kUpdates = 62;  // in place of a warp: atomic operations

[[noreturn]] void fail(const char* what, std::size_t place) {
  throw Fault(std::string(what) + " (byte " + std::to_string(place) + " of the block's shared memory)");
}

}  // namespace

void SharedMemory::begin_block(std::size_t bytes) {
  // A fault can have left copies and products under way; and epochs have 26 bits.
  if (bytes > memory_.size() || bytes_copying_ > 0 || bytes_held_ > 0 || epoch_ > kMostEpochs) {
    const std::size_t size = std::max(bytes, memory_.size());
    memory_.assign(size, std::byte{0xff});
    written_.assign(size, 0);
    read_.assign(size, 0);
    shown_.assign(size, 0);
    held_.assign(size, 0);
    copying_.assign(size, 0);
    epoch_ = 0;
    bytes_copying_ = 0;
    bytes_held_ = 0;
  }
  bytes_ = bytes;
  first_epoch_ = ++epoch_;
}

// Whether another warp did it since the last barrier.
bool SharedMemory::is_of_other(std::uint32_t mark, int warp) const {
  return mark / 64 == epoch_ && mark % 64 != static_cast<std::uint32_t>(warp);
}

std::size_t SharedMemory::place(std::uint32_t address, std::size_t bytes) const {
  if (address < kSharedBase || address - kSharedBase + bytes > bytes_)
    throw Fault("shared memory is accessed outside its " + std::to_string(bytes_) + " bytes, at " +
                std::to_string(std::int64_t{address} - std::int64_t{kSharedBase}));
  if (address % bytes != 0 && bytes <= 16) fail("shared memory is accessed askew", address - kSharedBase);
  return address - kSharedBase;
}

// Both without a branch for each byte: nearly always all is well.
bool SharedMemory::may_read(std::size_t first, std::size_t bytes, int warp) const {
  unsigned int wrong = 0;
  for (std::size_t i = first; i < first + bytes; ++i)
    wrong |= copying_[i] | static_cast<unsigned int>(written_[i] < first_epoch_ * 64) |
             (static_cast<unsigned int>(written_[i] >= epoch_ * 64) &
              static_cast<unsigned int>(written_[i] != mark(warp)));
  return wrong == 0;
}

bool SharedMemory::may_write(std::size_t first, std::size_t bytes, int warp) const {
  unsigned int wrong = 0;
  for (std::size_t i = first; i < first + bytes; ++i)
    wrong |= copying_[i] | held_[i] |
             (static_cast<unsigned int>(written_[i] >= epoch_ * 64) &
              static_cast<unsigned int>(written_[i] != mark(warp))) |
             (static_cast<unsigned int>(read_[i] >= epoch_ * 64) &
              static_cast<unsigned int>(read_[i] != mark(warp)));
  return wrong == 0;
}

const std::byte* SharedMemory::read(std::uint32_t address, std::size_t bytes, int warp) {
  const std::size_t first = place(address, bytes);
  if (!may_read(first, bytes, warp))
    for (std::size_t i = first; i < first + bytes; ++i) {
      if (copying_[i] != 0) fail("read while a copy to it is under way", i);
      if (written_[i] < first_epoch_ * 64) fail("read though nothing was written", i);
      if (is_of_other(written_[i], warp)) fail("race: read without a barrier after another warp's write", i);
    }
  const std::uint32_t mine = mark(warp);
  const std::uint32_t several = epoch_ * 64 + kSeveral;
  for (std::size_t i = first; i < first + bytes; ++i)
    read_[i] = read_[i] >= epoch_ * 64 && read_[i] != mine ? several : mine;
  return memory_.data() + first;
}

void SharedMemory::check_write(std::uint32_t address, std::size_t bytes, int warp) const {
  const std::size_t first = place(address, bytes);
  if (may_write(first, bytes, warp)) return;
  for (std::size_t i = first; i < first + bytes; ++i) {
    if (copying_[i] != 0) fail("written while a copy to it is under way", i);
    if (held_[i] > 0) fail("written while tensor cores may still read it", i);
    if (is_of_other(written_[i], warp)) fail("race: written without a barrier after another warp's write", i);
    if (is_of_other(read_[i], warp)) fail("race: written without a barrier after another warp's read", i);
  }
}

void SharedMemory::note_write(std::size_t first, std::size_t bytes, int warp) {
  for (std::size_t i = first; i < first + bytes; ++i) {
    written_[i] = mark(warp);
    shown_[i] = fences_[warp];
  }
}

std::byte* SharedMemory::write(std::uint32_t address, std::size_t bytes, int warp) {
  check_write(address, bytes, warp);
  note_write(address - kSharedBase, bytes, warp);
  return memory_.data() + (address - kSharedBase);
}

std::byte* SharedMemory::update(std::uint32_t address, std::size_t bytes) {
  const int warp = static_cast<int>(kUpdates);
  read(address, bytes, warp);
  check_write(address, bytes, warp);
  const std::size_t first = address - kSharedBase;
  for (std::size_t i = first; i < first + bytes; ++i) written_[i] = mark(warp);
  return memory_.data() + first;
}

void SharedMemory::start_copy(std::uint32_t address, std::size_t bytes, int warp) {
  check_write(address, bytes, warp);
  const std::size_t first = address - kSharedBase;
  for (std::size_t i = first; i < first + bytes; ++i) copying_[i] = 1;
  bytes_copying_ += bytes;
}

std::byte* SharedMemory::finish_copy(std::uint32_t address, std::size_t bytes, int warp) {
  const std::size_t first = place(address, bytes);
  for (std::size_t i = first; i < first + bytes; ++i) copying_[i] = 0;
  bytes_copying_ -= bytes;
  note_write(first, bytes, warp);
  return memory_.data() + first;
}

void SharedMemory::fence(int warp) {
  ++fences_[warp];
}

const std::byte* SharedMemory::hold(std::uint32_t address, std::size_t bytes, int warp) {
  const std::byte* data = read(address, bytes, warp);
  const std::size_t first = address - kSharedBase;
  for (std::size_t i = first; i < first + bytes; ++i) {
    const std::uint32_t writer = written_[i] % 64;
    if (writer < std::size(fences_) && fences_[writer] <= shown_[i])
      fail("read by tensor cores though its writer has no fence.proxy.async behind the write", i);
    ++held_[i];
  }
  bytes_held_ += bytes;
  return data;
}

void SharedMemory::release(std::uint32_t address, std::size_t bytes) {
  const std::size_t first = place(address, bytes);
  for (std::size_t i = first; i < first + bytes; ++i) --held_[i];
  bytes_held_ -= bytes;
}

void SharedMemory::barrier() {
  ++epoch_;
}

}  // namespace backdrop::ptx
