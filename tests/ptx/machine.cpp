#include "tests/ptx/machine.h"

#include <algorithm>
#include <climits>
#include <string>
#include <utility>

#include "tests/ptx/cluster.h"

namespace backdrop::ptx {
namespace {

constexpr std::int64_t kMostSteps = std::int64_t{1} << 32;  // of a warp: more is a loop without an end

std::uint64_t value_of(Special special, const BlockState& block, std::uint32_t thread) {
  const Launch& launch = block.launch;
  switch (special) {
    case Special::thread:
      return thread;
    case Special::block:
      return block.index;
    case Special::threads:
      return launch.threads;
    case Special::blocks:
      return launch.blocks;
    case Special::lane:
      return thread % kLanes;
    case Special::warp:
      return thread / kLanes;
    case Special::cluster_rank:
      return block.rank;
    case Special::cluster_blocks:
      return launch.cluster;
    case Special::cluster:
      return block.index / launch.cluster;
    case Special::clusters:
      return launch.blocks / launch.cluster;
  }
  return 0;
}

}  // namespace

Warp::Warp(BlockState& block, int index, std::vector<std::uint64_t>& registers)
    : block_(block), index_(index), local_(block.launch.kernel->local_bytes * kLanes) {
  const std::size_t count = std::size_t(block.launch.kernel->registers) * kLanes;
  if (registers.size() < count) registers.resize(count);
  values_ = registers.data();
  const Launch& launch = block.launch;
  if (launch.kernel->has_products) uses_.resize(std::size_t(launch.kernel->registers));
  const std::uint32_t first = static_cast<std::uint32_t>(index) * kLanes;
  const std::uint32_t lanes = std::min<std::uint32_t>(kLanes, launch.threads - first);
  alive_ = lanes == kLanes ? kAllLanes : (1u << lanes) - 1;
  for (const Kernel::Constant& constant : launch.kernel->constants)
    std::fill_n(values(constant.to), kLanes, constant.value);
  for (const Kernel::SpecialRegister& special : launch.kernel->specials)
    for (std::uint32_t lane = 0; lane < kLanes; ++lane)
      values(special.to)[lane] = value_of(special.value, block, first + lane);
}

std::byte* Warp::local(int lane, std::uint64_t address, std::size_t bytes) {
  const std::size_t size = block_.launch.kernel->local_bytes;
  if (address + bytes > size)
    throw Fault("local memory is accessed outside its " + std::to_string(size) + " bytes");
  return local_.data() + std::size_t(lane) * size + address;
}

const std::byte* Warp::parameter(std::uint64_t address, std::size_t bytes) const {
  if (address + bytes > block_.launch.parameters.size()) throw Fault("a parameter is read outside");
  return block_.launch.parameters.data() + address;
}

void Warp::start_copy(int lane, std::uint32_t to, std::uint64_t from, std::size_t bytes,
                      std::size_t of_source) {
  block_.shared.start_copy(to, bytes, index_);
  started_[lane].push_back({to, from, bytes, of_source});
}

void Warp::commit_copies(int lane) {
  copies_[lane].push_back(std::move(started_[lane]));
  started_[lane].clear();
}

// The bytes arrive only now, which is as late as they may.
void Warp::wait_for_copies(int lane, std::size_t pending) {
  for (; copies_[lane].size() > pending; copies_[lane].pop_front())
    for (const Copy& copy : copies_[lane].front()) {
      std::byte* to = block_.shared.finish_copy(copy.to, copy.bytes, index_);
      std::memset(to, 0, copy.bytes);
      if (copy.of_source > 0)
        std::memcpy(to, block_.global.read(copy.from, copy.of_source, ~0u, block_.accessor()),
                    copy.of_source);
    }
}

const std::byte* Warp::hold(std::uint32_t address, std::size_t bytes) {
  Products& products = products_.back();
  if (products.held.empty()) products.held_since = block_.shared.epoch();
  products.held.push_back({address, bytes});
  return block_.shared.hold(address, bytes, index_);
}

const std::uint64_t* Warp::sums_under_way(int number) {
  for (auto products = products_.rbegin(); products != products_.rend(); ++products)
    if (const auto found = products->sums.find(number); found != products->sums.end())
      return found->second.data();
  return values(number);
}

void Warp::put_later(int number, const std::uint64_t (&values)[kLanes]) {
  const auto [sums, is_new] = products_.back().sums.try_emplace(number);
  std::copy_n(values, kLanes, sums->second.begin());
  if (is_new) ++uses_[number].products;
}

void Warp::hold_register(int number) {
  products_.back().held_registers.push_back(number);
  ++uses_[number].products;
}

void Warp::commit_products() {
  products_.emplace_back();
}

void Warp::wait_for_products(std::size_t pending) {
  for (; products_.size() > pending + 1; products_.pop_front()) {
    for (const Range& range : products_.front().held)
      block_.shared.release(range.address, range.bytes, index_, products_.front().held_since);
    for (const int number : products_.front().held_registers) --uses_[number].products;
    for (const auto& [number, sums] : products_.front().sums) {
      std::copy_n(sums.begin(), kLanes, values(number));
      --uses_[number].products;
    }
  }
}

void Warp::check_fenced(int number) const {
  if (uses_[number].last >= fenced_at_)
    throw Fault("a register of a product was used without a wgmma.fence behind that");
}

void Warp::use_registers(const Instruction& instruction) {
  for (const int number : instruction.operands) {
    if (uses_[number].products > 0) throw Fault("a register is used while a product has it");
    uses_[number].last = steps_;
  }
}

std::uint32_t Warp::guarded(const Instruction& instruction, std::uint32_t lanes) {
  if (instruction.guard < 0) return lanes;
  const std::uint64_t* holds = values(instruction.guard);
  std::uint32_t set = 0;
  for (int lane = 0; lane < kLanes; ++lane) set |= static_cast<std::uint32_t>(holds[lane] & 1) << lane;
  return lanes & (instruction.guard_negated ? ~set : set);
}

void Warp::fail(const Instruction& instruction, const char* what) const {
  throw Fault(instruction.line + ": " + instruction.name + ": " + what + " (" + block_.launch.kernel->name +
              ", block " + std::to_string(block_.index) + ", warp " + std::to_string(index_) + ")");
}

void Warp::pause(std::string waits_for, bool again) {
  state_ = State::paused;
  waits_for_ = std::move(waits_for);
  waits_again_ = again;
}

void Warp::fail_if_waiting() const {
  if (state_ == State::paused) fail(*waits_at_, ("nobody can go on any more: " + waits_for_).c_str());
}

// Lanes at the lowest place go first: the others wait there for them, which brings a warp together again
// behind its branches as compilers lay code out.
Warp::State Warp::run() {
  if (state_ == State::paused) state_ = State::ready;
  while (state_ == State::ready) {
    std::uint32_t ready = alive_ & ~waiting_;
    if (alive_ == 0) {
      state_ = State::left;
      break;
    }
    if (ready == 0) {
      waiting_ = 0;
      ready = alive_;
      const int at = place_[__builtin_ctz(alive_)];
      for_lanes(alive_, [&](int lane) {
        if (place_[lane] != at) fail(block_.launch.kernel->code[at], "only some lanes of the warp come here");
      });
    }
    int at = INT_MAX;
    for_lanes(ready, [&](int lane) { at = std::min(at, place_[lane]); });
    std::uint32_t lanes = 0;
    for_lanes(ready, [&](int lane) { lanes |= (place_[lane] == at ? 1u : 0u) << lane; });
    run_group(at, lanes);
  }
  return state_;
}

void Warp::execute(const Instruction& instruction, std::uint32_t lanes) {
  if (lanes == 0) return;
  if (block_.launch.traffic != nullptr) block_.launch.traffic->count(*this, instruction, lanes);
  try {
    if (!uses_.empty() && !instruction.is_product) use_registers(instruction);
    instruction.action(*this, instruction, lanes);
  } catch (const Fault& fault) {
    fail(instruction, fault.what());
  }
}

// Lanes that are at one place, until they part, meet others, wait or leave.
void Warp::run_group(int at, std::uint32_t lanes) {
  const std::vector<Instruction>& code = block_.launch.kernel->code;
  int meeting = INT_MAX;
  for_lanes(alive_ & ~lanes, [&](int lane) {
    if (place_[lane] > at) meeting = std::min(meeting, place_[lane]);
  });
  const auto put = [&](std::uint32_t which, int place) {
    for_lanes(which, [&](int lane) { place_[lane] = place; });
  };
  while (++steps_ < kMostSteps) {
    if (at >= static_cast<int>(code.size()))
      throw Fault("a warp runs past the end of " + block_.launch.kernel->name);
    const Instruction& instruction = code[at];
    if (instruction.aligned && lanes != alive_) {
      waiting_ |= lanes;
      return put(lanes, at);
    }
    const std::uint32_t active = guarded(instruction, lanes);
    if (instruction.aligned && active != 0 && active != lanes)
      fail(instruction, "only some lanes of the warp execute it");
    switch (instruction.flow) {
      case Flow::next:
        execute(instruction, active);
        ++at;
        break;
      case Flow::wait:
        execute(instruction, active);
        if (state_ == State::paused) {
          waits_at_ = &instruction;
          return put(lanes, waits_again_ ? at : at + 1);
        }
        ++at;
        break;
      case Flow::branch:
        if (active == lanes) {
          at = instruction.target;
        } else if (active == 0) {
          ++at;
        } else {
          put(active, instruction.target);
          return put(lanes & ~active, at + 1);
        }
        break;
      case Flow::leave:
        alive_ &= ~active;
        return put(lanes & ~active, at + 1);
      case Flow::barrier:
        if (instruction.operands.size() != 1 || values(instruction.operands[0])[0] != 0)
          fail(instruction, "only the barrier 0 of all threads is known");
        put(lanes, at + 1);
        if (active != 0) state_ = State::at_barrier;
        return;
    }
    if (at >= meeting) return put(lanes, at);
  }
  throw Fault("a warp of " + block_.launch.kernel->name + " does not come to an end");
}

std::int64_t run(const Launch& launch, Multiprocessor& multiprocessor, DeviceMemory& memory,
                 std::mt19937& generator) {
  std::int64_t steps = 0;
  for (std::uint32_t index = 0; index < launch.blocks; index += launch.cluster)
    steps += Cluster(launch, index, multiprocessor, memory, generator).run();
  return steps;
}

}  // namespace backdrop::ptx
