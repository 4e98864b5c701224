#include "tests/ptx/machine.h"

#include <algorithm>
#include <climits>
#include <memory>
#include <string>

namespace backdrop::ptx {
namespace {

constexpr std::int64_t kMostSteps = std::int64_t{1} << 32;  // of a warp: more is a loop without an end

}  // namespace

Warp::Warp(BlockState& block, int index, std::vector<std::uint64_t>& registers)
    : block_(block), index_(index), local_(block.launch.kernel->local_bytes * kLanes) {
  const std::size_t count = std::size_t(block.launch.kernel->registers) * kLanes;
  if (registers.size() < count) registers.resize(count);
  values_ = registers.data();
  const Launch& launch = block.launch;
  const std::uint32_t first = static_cast<std::uint32_t>(index) * kLanes;
  const std::uint32_t lanes = std::min<std::uint32_t>(kLanes, launch.threads - first);
  alive_ = lanes == kLanes ? kAllLanes : (1u << lanes) - 1;
  for (const Kernel::Constant& constant : launch.kernel->constants)
    std::fill_n(values(constant.to), kLanes, constant.value);
  for (const Kernel::SpecialRegister& special : launch.kernel->specials)
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      std::uint64_t& value = values(special.to)[lane];
      switch (special.value) {
        case Special::thread:
          value = first + lane;
          break;
        case Special::block:
          value = block.index;
          break;
        case Special::threads:
          value = launch.threads;
          break;
        case Special::blocks:
          value = launch.blocks;
          break;
        case Special::lane:
          value = lane;
          break;
        case Special::warp:
          value = static_cast<std::uint64_t>(index);
          break;
      }
    }
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
  products_.back().held.push_back({address, bytes});
  return block_.shared.hold(address, bytes, index_);
}

const std::uint64_t* Warp::sums_under_way(int number) {
  for (auto products = products_.rbegin(); products != products_.rend(); ++products)
    if (const auto found = products->sums.find(number); found != products->sums.end())
      return found->second.data();
  return values(number);
}

void Warp::put_later(int number, const std::uint64_t (&values)[kLanes]) {
  std::copy_n(values, kLanes, products_.back().sums[number].begin());
}

void Warp::commit_products() {
  products_.emplace_back();
}

void Warp::wait_for_products(std::size_t pending) {
  for (; products_.size() > pending + 1; products_.pop_front()) {
    for (const Range& range : products_.front().held) block_.shared.release(range.address, range.bytes);
    for (const auto& [number, sums] : products_.front().sums)
      std::copy_n(sums.begin(), kLanes, values(number));
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

// Lanes at the lowest place go first: the others wait there for them, which brings a warp together again
// behind its branches as compilers lay code out.
Warp::State Warp::run() {
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
        if (active != 0) {
          try {
            instruction.action(*this, instruction, active);
          } catch (const Fault& fault) {
            fail(instruction, fault.what());
          }
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

namespace {

std::int64_t run_block(BlockState& block, Multiprocessor& multiprocessor, std::mt19937& generator) {
  const Kernel& kernel = *block.launch.kernel;
  std::vector<std::unique_ptr<Warp>> warps;
  const int count = static_cast<int>(block.launch.threads + kLanes - 1) / kLanes;
  multiprocessor.registers.resize(std::max<std::size_t>(multiprocessor.registers.size(), count));
  for (int w = 0; w < count; ++w)
    warps.push_back(std::make_unique<Warp>(block, w, multiprocessor.registers[w]));
  std::vector<Warp*> order;
  for (const auto& warp : warps) order.push_back(warp.get());
  while (!order.empty()) {
    std::shuffle(order.begin(), order.end(), generator);
    for (Warp* warp : order) warp->run();
    std::erase_if(order, [](const Warp* warp) { return warp->state() == Warp::State::left; });
    for (Warp* warp : order) warp->pass_barrier();
    block.shared.barrier();
  }
  if (block.shared.has_copies()) throw Fault(kernel.name + ": a block ends while copies are under way");
  std::int64_t steps = 0;
  for (const auto& warp : warps) steps += warp->steps();
  return steps;
}

}  // namespace

std::int64_t run(const Launch& launch, Multiprocessor& multiprocessor, DeviceMemory& memory,
                 std::mt19937& generator) {
  const std::size_t bytes = launched_shared_base(*launch.kernel) - kSharedBase + launch.shared_bytes;
  std::int64_t steps = 0;
  for (std::uint32_t index = 0; index < launch.blocks; ++index) {
    multiprocessor.shared.begin_block(bytes);
    BlockState block{launch, index, memory, multiprocessor.shared};
    steps += run_block(block, multiprocessor, generator);
  }
  return steps;
}

}  // namespace backdrop::ptx
