#include "tests/ptx/cluster.h"

#include <algorithm>
#include <string>

namespace backdrop::ptx {
namespace {

constexpr int kIdleRounds = 64;  // without an event: those who wait do nothing else between their tries
constexpr int kLateRounds = 8;   // of the others, for one of a block that is late

}  // namespace

Cluster::Cluster(const Launch& launch, std::uint32_t first_block, Multiprocessor& multiprocessor,
                 DeviceMemory& memory, std::mt19937& generator)
    : generator_(generator), order_(multiprocessor.order) {
  const std::size_t bytes = launched_shared_base(*launch.kernel) - kSharedBase + launch.shared_bytes;
  const int count = static_cast<int>(launch.threads + kLanes - 1) / kLanes;
  order_.begin(static_cast<int>(launch.cluster), count, launch.kernel->has_barriers);
  auto& registers = multiprocessor.registers;
  registers.resize(std::max(registers.size(), std::size_t{launch.cluster} * static_cast<std::size_t>(count)));
  for (std::uint32_t rank = 0; rank < launch.cluster; ++rank) {
    SharedMemory& shared = multiprocessor.shared[rank];
    shared.begin_block(bytes, order_, static_cast<int>(rank));
    blocks_.push_back(
        std::make_unique<BlockState>(launch, first_block + rank, rank, *this, memory, shared, order_));
    for (int w = 0; w < count; ++w)
      warps_.push_back(std::make_unique<Warp>(*blocks_.back(), w, registers[warps_.size()]));
  }
  arrivals_.resize(std::size_t{launch.cluster} * kAgents);
  passages_.resize(arrivals_.size());
}

std::int64_t Cluster::run() {
  std::vector<Warp*> order;
  for (const auto& warp : warps_) order.push_back(warp.get());
  const std::size_t late_block = generator_() % (blocks_.size() + 1);  // the last one is none
  for (int idle = 0, round = 0; !order.empty(); ++idle, ++round) {
    const std::int64_t events = events_;
    std::shuffle(order.begin(), order.end(), generator_);
    for (Warp* warp : order) {
      if (blocks_.size() > 1 && warp->block().rank == late_block && round % kLateRounds != 0) continue;
      if (warp->run() == Warp::State::left && has_left(warp->block())) check_end(warp->block());
    }
    if (std::erase_if(order, [](const Warp* warp) { return warp->state() == Warp::State::left; }) > 0)
      note_event();
    for (const auto& block : blocks_) pass_barrier(*block);
    if (events_ != events) idle = 0;
    if (idle == kIdleRounds) fail_idle();
  }
  std::int64_t steps = 0;
  for (const auto& warp : warps_) steps += warp->steps();
  return steps;
}

// Of a block that has left.
void Cluster::check_end(const BlockState& block) const {
  const bool sends = std::any_of(blocks_.begin(), blocks_.end(), [&](const auto& other) {
    return other->mbarriers.has_copies_of(static_cast<int>(block.rank));
  });
  if (sends || block.shared.has_copies())
    throw Fault(block.launch.kernel->name + ": a block ends while copies are under way");
}

bool Cluster::has_left(const BlockState& block) const {
  return std::all_of(warps_.begin(), warps_.end(), [&](const auto& warp) {
    return &warp->block() != &block || warp->state() == Warp::State::left;
  });
}

// If all warps of the block that have not left are there.
void Cluster::pass_barrier(const BlockState& block) {
  bool is_awaited = false;
  for (const auto& warp : warps_) {
    if (&warp->block() != &block || warp->state() == Warp::State::left) continue;
    if (warp->state() != Warp::State::at_barrier) return;
    is_awaited = true;
  }
  if (!is_awaited) return;
  for (const auto& warp : warps_)
    if (&warp->block() == &block) warp->pass_barrier();
  block.shared.barrier();
  note_event();
}

void Cluster::fail_idle() const {
  for (const auto& warp : warps_) warp->fail_if_waiting();
  throw Fault("some warps of " + blocks_.front()->launch.kernel->name + " wait for a barrier for ever");
}

BlockState& Cluster::block(std::uint32_t rank) {
  if (rank >= blocks_.size()) throw Fault("the cluster has no block " + std::to_string(rank));
  if (has_left(*blocks_[rank])) throw Fault("the shared memory of a block that has left is used");
  return *blocks_[rank];
}

void Cluster::arrive(const Warp& warp, bool is_relaxed) {
  int& arrivals = arrivals_[warp.agent()];
  if (arrivals != passages_[warp.agent()]) throw Fault("a warp arrives again before it has waited");
  ++arrivals;
  Clock& told = told_[arrivals % 2];
  if (arrivals > latest_arrival_) told = {};
  latest_arrival_ = std::max(latest_arrival_, arrivals);
  join(told, is_relaxed ? order_.fenced(warp.agent()) : order_.release(warp.agent()));
  note_event();
}

bool Cluster::passes(const Warp& warp) {
  int& passages = passages_[warp.agent()];
  const int arrivals = arrivals_[warp.agent()];
  if (arrivals == passages) throw Fault("a warp waits though it has not arrived");
  for (const auto& other : warps_)
    if (other->state() != Warp::State::left && arrivals_[other->agent()] < arrivals) return false;
  ++passages;
  order_.acquire(warp.agent(), told_[arrivals % 2]);
  note_event();
  return true;
}

}  // namespace backdrop::ptx
