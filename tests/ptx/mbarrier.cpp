#include "tests/ptx/mbarrier.h"

#include <algorithm>
#include <cstring>

#include "tests/ptx/program.h"

namespace backdrop::ptx {
namespace {

constexpr std::uint32_t kMostArrivals = (1u << 20) - 1;
constexpr std::size_t kMostBytes = (1u << 20) - 1;

}  // namespace

Mbarriers::Mbarrier* Mbarriers::find_if(std::uint32_t address) {
  const auto found = std::find_if(mbarriers_.begin(), mbarriers_.end(),
                                  [&](const Mbarrier& one) { return one.address == address; });
  return found == mbarriers_.end() ? nullptr : &*found;
}

Mbarriers::Mbarrier& Mbarriers::find(std::uint32_t address, int warp) {
  Mbarrier* found = find_if(address);
  if (found == nullptr)
    throw Fault("no mbarrier lies at byte " +
                std::to_string(std::int64_t{address} - std::int64_t{kSharedBase}) +
                " of the block's shared memory");
  shared_.check_made(address, warp);
  return *found;
}

void Mbarriers::init(std::uint32_t address, std::uint32_t count, int warp) {
  if (count == 0 || count > kMostArrivals) throw Fault("a phase cannot have so many arrivals");
  shared_.make_mbarrier(address, warp % kAgents);
  // Numbers are not used again: what was copied is known by them.
  if (made_ == kMostMbarriers) throw Fault("more mbarriers than are known");
  mbarriers_.push_back({address, agent_of(rank_, kMostWarps + made_++), warp, count});
}

void Mbarriers::invalidate(std::uint32_t address, int warp) {
  if (!find(address, warp).copies.empty()) throw Fault("copies that report to the mbarrier are under way");
  shared_.remove_mbarrier(address);
  std::erase_if(mbarriers_, [&](const Mbarrier& one) { return one.address == address; });
}

void Mbarriers::fence(int warp) {
  for (Mbarrier& mbarrier : mbarriers_) mbarrier.is_shown |= mbarrier.maker == warp;
}

void Mbarriers::expect(std::uint32_t address, std::size_t bytes, int warp) {
  Mbarrier& mbarrier = find(address, warp);
  mbarrier.expected += bytes;
  if (mbarrier.expected > kMostBytes) throw Fault("a phase cannot expect so many bytes");
}

std::uint64_t Mbarriers::arrive(std::uint32_t address, std::uint32_t count, int warp, bool is_relaxed) {
  Mbarrier& mbarrier = find(address, warp);
  if (count == 0 || count > mbarrier.count - mbarrier.arrived)
    throw Fault("more arrive than the phase waits for");
  if (!is_relaxed) join(mbarrier.told, order_.release(warp));
  const std::uint64_t phase = mbarrier.phase;
  mbarrier.arrived += count;
  if (mbarrier.arrived == mbarrier.count && mbarrier.expected == 0) {
    if (mbarrier.under_way > 0)
      throw Fault("the phase is complete though copies that report to it are under way");
    complete(mbarrier);
  }
  return phase;
}

void Mbarriers::start_copy(std::uint32_t to, const std::byte* from, std::size_t bytes, std::uint32_t address,
                           int warp) {
  Mbarrier& mbarrier = find(address, warp);
  if (!mbarrier.is_shown)
    throw Fault("a copy reports to an mbarrier though there is no fence.mbarrier_init behind mbarrier.init");
  shared_.start_bulk_copy(to, bytes, warp);
  mbarrier.copies.push_back({to, from, bytes, warp});
  mbarrier.under_way += bytes;
}

bool Mbarriers::test(std::uint32_t address, std::uint32_t parity, int warp, bool is_relaxed, bool later) {
  Mbarrier& mbarrier = find(address, warp);
  if (parity > 1) throw Fault("a parity is 0 or 1");
  if (mbarrier.phase % 2 == parity) {
    if (mbarrier.arrived < mbarrier.count || mbarrier.expected > mbarrier.under_way) return false;
    if (mbarrier.expected < mbarrier.under_way) throw Fault("more bytes are copied than the phase expects");
    if (later && !mbarrier.was_asked) {
      mbarrier.was_asked = true;
      return false;
    }
    finish_copies(mbarrier);
    complete(mbarrier);
  }
  if (!is_relaxed) order_.acquire(warp, mbarrier.completed);
  return true;
}

void Mbarriers::finish_copies(Mbarrier& mbarrier) {
  for (const Copy& copy : mbarrier.copies)
    std::memcpy(shared_.finish_copy(copy.to, copy.bytes, mbarrier.agent % kAgents), copy.from, copy.bytes);
  mbarrier.copies.clear();
  mbarrier.expected = mbarrier.under_way = 0;
}

void Mbarriers::complete(Mbarrier& mbarrier) {
  mbarrier.completed = mbarrier.told;
  mbarrier.completed[mbarrier.agent] = order_.step(mbarrier.agent);
  mbarrier.told = {};
  mbarrier.arrived = 0;
  mbarrier.was_asked = false;
  ++mbarrier.phase;
}

bool Mbarriers::has_copies_of(int rank) const {
  return std::any_of(mbarriers_.begin(), mbarriers_.end(), [&](const Mbarrier& mbarrier) {
    return std::any_of(mbarrier.copies.begin(), mbarrier.copies.end(),
                       [&](const Copy& copy) { return copy.warp / kAgents == rank; });
  });
}

std::string Mbarriers::missing(std::uint32_t address) {
  const Mbarrier* mbarrier = find_if(address);
  if (mbarrier == nullptr) return "the mbarrier is gone";
  return std::to_string(mbarrier->count - mbarrier->arrived) + " arrivals are missing, and of " +
         std::to_string(mbarrier->expected) + " bytes expected " + std::to_string(mbarrier->under_way) +
         " are under way";
}

}  // namespace backdrop::ptx
