#include "tests/ptx/shared_memory.h"

#include <algorithm>
#include <string>

#include "tests/ptx/program.h"

namespace backdrop::ptx {
namespace {

constexpr std::uint32_t kSeveralWarps = 63;  // in place of a warp: more than one
constexpr std::uint32_t kMostEpochs = 1u << 25;
constexpr std::uint32_t kUpdates = 62;  // in place of a warp: atomic operations
constexpr std::uint32_t kNever = ~0u;   // a time that nobody knows of
constexpr std::size_t kMbarrierBytes = 8;

// What a byte is occupied by.
constexpr std::uint8_t kCopy = 1;
constexpr std::uint8_t kMbarrier = 2;

[[noreturn]] void fail(const char* what, std::size_t place) {
  throw Fault(std::string(what) + " (byte " + std::to_string(place) + " of the block's shared memory)");
}

}  // namespace

void SharedMemory::begin_block(std::size_t bytes, Order& order, int rank) {
  order_ = &order;
  rank_ = rank;
  for (const std::uint32_t address : mbarriers_)
    std::fill_n(occupied_.begin() + (address - kSharedBase), kMbarrierBytes, std::uint8_t{0});
  mbarriers_.clear();
  for (std::vector<std::uint32_t>& fences : fences_) fences.clear();
  // A fault can have left copies and products under way; and epochs have 26 bits.
  if (bytes > memory_.size() || bytes_copying_ > 0 || bytes_held_ > 0 || epoch_ > kMostEpochs) {
    const std::size_t size = std::max(bytes, memory_.size());
    memory_.assign(size, std::byte{0xff});
    written_.assign(size, 0);
    read_.assign(size, 0);
    times_.assign(size, 0);
    held_.assign(size, 0);
    occupied_.assign(size, 0);
    epoch_ = 0;
    bytes_copying_ = 0;
    bytes_held_ = 0;
  }
  bytes_ = bytes;
  first_epoch_ = ++epoch_;
}

// Whether what was done then, by a warp or mbarrier of this block, is over for an agent: its own, what was
// before the last barrier of its block, and what it heard of.
bool SharedMemory::is_over(std::uint32_t mark, std::uint32_t time, int agent) const {
  const int other = agent_of(rank_, static_cast<int>(mark % 64));
  return mark < first_epoch_ * 64 || other == agent || (mark / 64 < epoch_ && agent / kAgents == rank_) ||
         order_->knows(agent, other, time);
}

bool SharedMemory::are_reads_over(std::size_t i, int agent) const {
  const std::uint32_t reader = read_[i] % 64;
  const auto time = [&](std::uint32_t warp) { return read_times_[warp].empty() ? 0 : read_times_[warp][i]; };
  if (reader < kMostWarps) return is_over(read_[i], time(reader), agent);
  if (is_over(read_[i], kNever, agent)) return true;
  if (reader != kSeveralWarps || !order_->tracks()) return false;
  for (std::uint32_t warp = 0; warp < kMostWarps; ++warp) {
    const int other = agent_of(rank_, static_cast<int>(warp));
    if (other != agent && !order_->knows(agent, other, time(warp))) return false;
  }
  return true;
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
    wrong |= occupied_[i] | static_cast<unsigned int>(written_[i] < first_epoch_ * 64) |
             (static_cast<unsigned int>(written_[i] >= epoch_ * 64) &
              static_cast<unsigned int>(written_[i] != mark(warp)));
  return wrong == 0;
}

bool SharedMemory::may_write(std::size_t first, std::size_t bytes, int warp) const {
  unsigned int wrong = 0;
  for (std::size_t i = first; i < first + bytes; ++i)
    wrong |= occupied_[i] | held_[i] |
             (static_cast<unsigned int>(written_[i] >= epoch_ * 64) &
              static_cast<unsigned int>(written_[i] != mark(warp))) |
             (static_cast<unsigned int>(read_[i] >= epoch_ * 64) &
              static_cast<unsigned int>(read_[i] != mark(warp)));
  return wrong == 0;
}

void SharedMemory::check_read(std::size_t first, std::size_t bytes, int agent) const {
  for (std::size_t i = first; i < first + bytes; ++i) {
    if (occupied_[i] == kMbarrier) fail("read though an mbarrier lies there", i);
    if (occupied_[i] != 0) fail("read while a copy to it is under way", i);
    if (written_[i] < first_epoch_ * 64) fail("read though nothing was written", i);
    if (i > first && written_[i] == written_[i - 1] && times_[i] == times_[i - 1]) continue;
    if (is_over(written_[i], times_[i], agent)) continue;
    const std::uint32_t writer = written_[i] % 64;
    fail(writer >= kMostWarps && writer < kUpdates
             ? "read by a warp that did not see its bulk copy's phase complete"
             : "race: read without a barrier after another warp's write",
         i);
  }
}

const std::byte* SharedMemory::read(std::uint32_t address, std::size_t bytes, int warp) {
  const std::size_t first = place(address, bytes);
  if (!may_read(first, bytes, warp)) check_read(first, bytes, agent_of(rank_, warp));
  note_read(first, bytes, warp);
  return memory_.data() + first;
}

void SharedMemory::note_read(std::size_t first, std::size_t bytes, int warp) {
  const std::uint32_t mine = mark(warp);
  const std::uint32_t several = epoch_ * 64 + kSeveralWarps;
  for (std::size_t i = first; i < first + bytes; ++i)
    read_[i] = read_[i] >= epoch_ * 64 && read_[i] != mine ? several : mine;
  if (!order_->tracks() || warp >= kMostWarps) return;
  std::vector<std::uint32_t>& times = read_times_[warp];
  if (times.size() < memory_.size()) times.resize(memory_.size());
  std::fill_n(times.begin() + static_cast<std::ptrdiff_t>(first), bytes, order_->time(agent_of(rank_, warp)));
}

void SharedMemory::check_write(std::uint32_t address, std::size_t bytes, int warp) const {
  const std::size_t first = place(address, bytes);
  if (may_write(first, bytes, warp)) return;
  for (std::size_t i = first; i < first + bytes; ++i) check_write_of(i, agent_of(rank_, warp));
}

void SharedMemory::check_write_of(std::size_t i, int agent) const {
  if (occupied_[i] == kMbarrier) fail("written though an mbarrier lies there", i);
  if (occupied_[i] != 0) fail("written while a copy to it is under way", i);
  if (held_[i] > 0) fail("written while tensor cores may still read it", i);
  if (!is_over(written_[i], times_[i], agent))
    fail("race: written without a barrier after another warp's write", i);
  if (!are_reads_over(i, agent)) fail("race: written without a barrier after another warp's read", i);
}

void SharedMemory::note_write(std::size_t first, std::size_t bytes, int warp) {
  const std::uint32_t time = order_->time(agent_of(rank_, warp));
  for (std::size_t i = first; i < first + bytes; ++i) {
    written_[i] = mark(warp);
    times_[i] = time;
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
  for (std::size_t i = first; i < first + bytes; ++i) {
    written_[i] = mark(warp);
    times_[i] = kNever;
  }
  return memory_.data() + first;
}

void SharedMemory::start_copy(std::uint32_t address, std::size_t bytes, int warp) {
  check_write(address, bytes, warp);
  occupy(address - kSharedBase, bytes);
}

void SharedMemory::start_bulk_copy(std::uint32_t address, std::size_t bytes, int agent) {
  const std::size_t first = place(address, bytes);
  for (std::size_t i = first; i < first + bytes; ++i) {
    check_write_of(i, agent);
    if (!is_shown(i, agent)) fail("copied to though its writer has no fence.proxy.async behind the write", i);
  }
  occupy(first, bytes);
}

void SharedMemory::occupy(std::size_t first, std::size_t bytes) {
  std::fill_n(occupied_.begin() + static_cast<std::ptrdiff_t>(first), bytes, kCopy);
  bytes_copying_ += bytes;
}

std::byte* SharedMemory::finish_copy(std::uint32_t address, std::size_t bytes, int warp) {
  const std::size_t first = place(address, bytes);
  std::fill_n(occupied_.begin() + static_cast<std::ptrdiff_t>(first), bytes, std::uint8_t{0});
  bytes_copying_ -= bytes;
  note_write(first, bytes, warp);
  return memory_.data() + first;
}

void SharedMemory::fence(int warp) {
  fences_[warp].push_back(order_->step(agent_of(rank_, warp)));
}

// Whether whoever wrote the byte did so by the way that tensor cores and bulk copies take, or has a fence
// behind the write that the agent knows of.
bool SharedMemory::is_shown(std::size_t i, int agent) const {
  const std::uint32_t writer = written_[i] % 64;
  if (writer >= kMostWarps || written_[i] < first_epoch_ * 64) return true;
  const std::vector<std::uint32_t>& fences = fences_[writer];
  if (fences.empty() || fences.back() < times_[i]) return false;
  const int other = agent_of(rank_, static_cast<int>(writer));
  return !order_->tracks() || other == agent ||
         order_->knows(agent, other, *std::lower_bound(fences.begin(), fences.end(), times_[i]));
}

const std::byte* SharedMemory::hold(std::uint32_t address, std::size_t bytes, int warp) {
  const std::byte* data = read(address, bytes, warp);
  const std::size_t first = address - kSharedBase;
  for (std::size_t i = first; i < first + bytes; ++i)
    if ((i == first || written_[i] != written_[i - 1] || times_[i] != times_[i - 1]) &&
        !is_shown(i, agent_of(rank_, warp)))
      fail("read by tensor cores though its writer has no fence.proxy.async behind the write", i);
  for (std::size_t i = first; i < first + bytes; ++i) ++held_[i];
  bytes_held_ += bytes;
  return data;
}

// They read until now, if that is another time than when they began.
void SharedMemory::release(std::uint32_t address, std::size_t bytes, int warp, std::uint32_t held_since) {
  const std::size_t first = place(address, bytes);
  for (std::size_t i = first; i < first + bytes; ++i) --held_[i];
  bytes_held_ -= bytes;
  if (held_since != epoch_ || order_->tracks()) note_read(first, bytes, warp);
}

void SharedMemory::make_mbarrier(std::uint32_t address, int warp) {
  check_write(address, kMbarrierBytes, warp);
  const std::size_t first = address - kSharedBase;
  note_write(first, kMbarrierBytes, warp);
  std::fill_n(occupied_.begin() + static_cast<std::ptrdiff_t>(first), kMbarrierBytes, kMbarrier);
  mbarriers_.push_back(address);
}

void SharedMemory::remove_mbarrier(std::uint32_t address) {
  std::fill_n(occupied_.begin() + (address - kSharedBase), kMbarrierBytes, std::uint8_t{0});
  std::erase(mbarriers_, address);
}

void SharedMemory::check_made(std::uint32_t address, int agent) const {
  const std::size_t first = place(address, kMbarrierBytes);
  if (!is_over(written_[first], times_[first], agent))
    fail("race: an mbarrier is used without a barrier after another warp's mbarrier.init", first);
}

void SharedMemory::barrier() {
  ++epoch_;
  if (order_->tracks()) order_->meet(rank_);
}

}  // namespace backdrop::ptx
