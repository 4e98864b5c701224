#include "tests/ptx/barrier_instructions.h"

#include <bit>
#include <string>
#include <unordered_map>

#include "tests/ptx/cluster.h"
#include "tests/ptx/machine.h"

namespace backdrop::ptx {
namespace {

using Table = std::unordered_map<std::string, Action>;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

// A block of the cluster, and an address in its shared memory. In the addresses of the cluster the numbers
// from 1 on, in the upper bits, stand for its blocks, and 0 for the one that executes the instruction.
constexpr int kRankBit = 24;

struct Place {
  BlockState& block;
  U32 address;
};

Place place_of(Warp& warp, const Instruction& instruction, int which, int lane) {
  const U32 address = static_cast<U32>(warp.address_of(instruction.addresses[which], lane));
  const U32 number = address >> kRankBit;
  if (number == 0) return {warp.block(), address};
  if (instruction.name.find("::cluster") == std::string::npos)
    throw Fault("an address of the cluster is taken for one of the block");
  return {warp.block().cluster.block(number - 1), address & ((1u << kRankBit) - 1)};
}

// mapa to, address, rank
void map_address(Warp& warp, const Instruction& instruction, U32 lanes) {
  const int* operands = instruction.operands.data();
  for_lanes(lanes, [&](int lane) {
    const U32 rank = static_cast<U32>(warp.values(operands[2])[lane]);
    if (rank >= warp.block().launch.cluster) throw Fault("the cluster has no block " + std::to_string(rank));
    warp.values(operands[0])[lane] = static_cast<U32>(warp.values(operands[1])[lane]) | (rank + 1)
                                                                                            << kRankBit;
  });
}

// Calls `body(place, lane)`, which does what somebody may wait for.
template <class Body>
void at_mbarriers(Warp& warp, const Instruction& instruction, U32 lanes, const Body& body) {
  for_lanes(lanes, [&](int lane) { body(place_of(warp, instruction, 0, lane), lane); });
  warp.block().cluster.note_event();
}

void init(Warp& warp, const Instruction& instruction, U32 lanes) {
  at_mbarriers(warp, instruction, lanes, [&](const Place& place, int lane) {
    place.block.mbarriers.init(place.address, static_cast<U32>(warp.values(instruction.operands[0])[lane]),
                               warp.agent());
  });
}

void invalidate(Warp& warp, const Instruction& instruction, U32 lanes) {
  at_mbarriers(warp, instruction, lanes, [&](const Place& place, int) {
    place.block.mbarriers.invalidate(place.address, warp.agent());
  });
}

void expect(Warp& warp, const Instruction& instruction, U32 lanes) {
  at_mbarriers(warp, instruction, lanes, [&](const Place& place, int lane) {
    place.block.mbarriers.expect(place.address, static_cast<U32>(warp.values(instruction.operands[0])[lane]),
                                 warp.agent());
  });
}

// mbarrier.arrive phase, [mbarrier], count
template <bool kRelaxed>
void arrive(Warp& warp, const Instruction& instruction, U32 lanes) {
  const auto& operands = instruction.operands;
  at_mbarriers(warp, instruction, lanes, [&](const Place& place, int lane) {
    const U32 count = operands.size() > 1 ? static_cast<U32>(warp.values(operands[1])[lane]) : 1;
    warp.values(operands[0])[lane] =
        place.block.mbarriers.arrive(place.address, count, warp.agent(), kRelaxed);
  });
}

// mbarrier.arrive.expect_tx phase, [mbarrier], bytes
template <bool kRelaxed>
void expect_and_arrive(Warp& warp, const Instruction& instruction, U32 lanes) {
  const auto& operands = instruction.operands;
  at_mbarriers(warp, instruction, lanes, [&](const Place& place, int lane) {
    place.block.mbarriers.expect(place.address, static_cast<U32>(warp.values(operands[1])[lane]),
                                 warp.agent());
    warp.values(operands[0])[lane] = place.block.mbarriers.arrive(place.address, 1, warp.agent(), kRelaxed);
  });
}

// mbarrier.try_wait.parity is complete, [mbarrier], parity: the others go on before it is tried again.
template <bool kRelaxed>
void test_phase(Warp& warp, const Instruction& instruction, U32 lanes) {
  Cluster& cluster = warp.block().cluster;
  Mbarriers& mbarriers = warp.block().mbarriers;
  const bool later = cluster.generator()() % 2 == 0;
  U64 *is_complete = warp.values(instruction.operands[0]), *parity = warp.values(instruction.operands[1]);
  const auto address = [&](int lane) { return place_of(warp, instruction, 0, lane).address; };
  int last = -1;
  std::string missing;
  for_lanes(lanes, [&](int lane) {
    if (last >= 0 && address(lane) == address(last) && parity[lane] == parity[last]) {
      is_complete[lane] = is_complete[last];
    } else if (mbarriers.test(address(lane), static_cast<U32>(parity[lane]), warp.agent(), kRelaxed, later)) {
      is_complete[lane] = 1;
    } else {
      is_complete[lane] = 0;
      missing = mbarriers.missing(address(lane));
    }
    last = lane;
  });
  if (!missing.empty()) warp.pause(missing, false);
}

// cp.async.bulk [to], [from], bytes, [mbarrier], blocks
template <bool kMulticast>
void copy_bulk(Warp& warp, const Instruction& instruction, U32 lanes) {
  constexpr std::size_t kUnit = 16;
  BlockState& own = warp.block();
  for_lanes(lanes, [&](int lane) {
    const U64 from = warp.address_of(instruction.addresses[1], lane);
    const std::size_t bytes = static_cast<U32>(warp.values(instruction.operands[0])[lane]);
    const Place to = place_of(warp, instruction, 0, lane);
    const Place reports_to = place_of(warp, instruction, 2, lane);
    if (bytes == 0 || bytes % kUnit != 0 || from % kUnit != 0 || to.address % kUnit != 0)
      throw Fault("bulk copies are of multiples of 16 bytes, from and to multiples of 16");
    if (&to.block != &reports_to.block) throw Fault("a copy reports to another block than it goes to");
    for (std::size_t i = 0; i < bytes; i += kUnit) own.global.read(from + i, kUnit, ~0u, own.accessor());
    const auto start = [&](BlockState& block) {
      block.mbarriers.start_copy(to.address, reinterpret_cast<const std::byte*>(from), bytes,
                                 reports_to.address, warp.agent());
    };
    if (!kMulticast) return start(to.block);
    const U32 blocks = static_cast<U32>(warp.values(instruction.operands[1])[lane]) & 0xffff;
    if (blocks == 0) throw Fault("a copy goes to no block");
    for (U32 rest = blocks; rest != 0; rest &= rest - 1)
      start(own.cluster.block(static_cast<U32>(std::countr_zero(rest))));
  });
  own.cluster.note_event();
}

template <bool kRelaxed>
void arrive_at_cluster(Warp& warp, const Instruction&, U32) {
  warp.block().cluster.arrive(warp, kRelaxed);
}

void wait_for_cluster(Warp& warp, const Instruction&, U32) {
  if (!warp.block().cluster.passes(warp)) warp.pause("others do not come to the cluster's barrier", true);
}

void add_mbarriers(Table& table) {
  for (const std::string where : {".shared::cta", ".shared"}) {
    table["mbarrier.init" + where + ".b64"] = init;
    table["mbarrier.inval" + where + ".b64"] = invalidate;
  }
  for (const std::string scope : {".cta", ".cluster"})
    for (const std::string where : {".shared::cluster.b64", ".shared::cta.b64", ".shared.b64"}) {
      for (const std::string& order : {std::string(), ".release" + scope}) {
        table["mbarrier.arrive" + order + where] = arrive<false>;
        table["mbarrier.arrive.expect_tx" + order + where] = expect_and_arrive<false>;
      }
      const std::string relaxed = ".relaxed" + scope + where;
      table["mbarrier.arrive" + relaxed] = arrive<true>;
      table["mbarrier.arrive.expect_tx" + relaxed] = expect_and_arrive<true>;
      table["mbarrier.expect_tx" + relaxed] = table["mbarrier.expect_tx" + where] = expect;
      for (const std::string name : {"mbarrier.try_wait.parity", "mbarrier.test_wait.parity"}) {
        table[name + where] = table[name + ".acquire" + scope + where] = test_phase<false>;
        table[name + relaxed] = test_phase<true>;
      }
    }
}

Table barrier_table() {
  Table table;
  add_mbarriers(table);
  table["fence.mbarrier_init.release.cluster"] = [](Warp& warp, const Instruction&, U32) {
    warp.block().order.fence(warp.agent());
    warp.block().mbarriers.fence(warp.agent());
  };
  for (const std::string to : {"cta", "cluster"})
    table["cp.async.bulk.shared::" + to + ".global.mbarrier::complete_tx::bytes"] = copy_bulk<false>;
  table["cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster"] =
      copy_bulk<true>;
  table["mapa.shared::cluster.u32"] = map_address;
  for (const std::string together : {"", ".aligned"}) {
    table["barrier.cluster.arrive" + together] = arrive_at_cluster<false>;
    table["barrier.cluster.arrive.release" + together] = arrive_at_cluster<false>;
    table["barrier.cluster.arrive.relaxed" + together] = arrive_at_cluster<true>;
    table["barrier.cluster.wait" + together] = wait_for_cluster;
    table["barrier.cluster.wait.acquire" + together] = wait_for_cluster;
  }
  return table;
}

}  // namespace

bool bind_barrier(Instruction& instruction) {
  static const Table table = barrier_table();
  const std::string& name = instruction.name;
  const auto found = table.find(name);
  if (found == table.end()) return false;
  instruction.action = found->second;
  // Where they need not be together lanes wait for each other, too: warps come to the barrier as a whole.
  instruction.aligned = name.starts_with("barrier.");
  if (name.find("wait") != std::string::npos) instruction.flow = Flow::wait;
  return true;
}

}  // namespace backdrop::ptx
