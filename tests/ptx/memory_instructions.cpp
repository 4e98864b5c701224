#include "tests/ptx/memory_instructions.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

#include "tests/ptx/machine.h"

namespace backdrop::ptx {
namespace {

using S64 = std::int64_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

void load(Warp& warp, const Instruction& instruction, U32 lanes) {
  const std::size_t each = static_cast<std::size_t>(instruction.element_bytes);
  const std::size_t bytes = each * static_cast<std::size_t>(instruction.elements);
  for_lanes(lanes, [&](int lane) {
    const U64 address = warp.address_of(instruction.addresses[0], lane);
    const std::byte* from = nullptr;
    switch (instruction.space) {
      case Space::global:
        from = warp.block().global.read(address, bytes, instruction.used_bytes, warp.block().accessor());
        break;
      case Space::shared:
        from = warp.block().shared.read(static_cast<U32>(address), bytes, warp.index());
        break;
      case Space::local:
        from = warp.local(lane, address, bytes);
        break;
      case Space::param:
      case Space::none:
        from = warp.parameter(address, bytes);
        break;
    }
    for (int i = 0; i < instruction.elements; ++i) {
      U64 value = 0;
      std::memcpy(&value, from + std::size_t(i) * each, each);
      if (instruction.is_signed) {
        const int unused = 64 - 8 * instruction.element_bytes;
        value = static_cast<U64>(static_cast<S64>(value << unused) >> unused);
      }
      warp.values(instruction.operands[i])[lane] = value;
    }
  });
}

void store(Warp& warp, const Instruction& instruction, U32 lanes) {
  const std::size_t each = static_cast<std::size_t>(instruction.element_bytes);
  const std::size_t bytes = each * static_cast<std::size_t>(instruction.elements);
  for_lanes(lanes, [&](int lane) {
    const U64 address = warp.address_of(instruction.addresses[0], lane);
    std::byte* to = nullptr;
    switch (instruction.space) {
      case Space::global:
        to = warp.block().global.write(address, bytes, warp.block().accessor());
        break;
      case Space::shared:
        to = warp.block().shared.write(static_cast<U32>(address), bytes, warp.index());
        break;
      case Space::local:
        to = warp.local(lane, address, bytes);
        break;
      case Space::param:
      case Space::none:
        throw Fault("parameters cannot be written");
    }
    for (int i = 0; i < instruction.elements; ++i)
      std::memcpy(to + std::size_t(i) * each, &warp.values(instruction.operands[i])[lane], each);
  });
}

void atomic_or_shared(Warp& warp, const Instruction& instruction, U32 lanes) {
  for_lanes(lanes, [&](int lane) {
    const U32 address = static_cast<U32>(warp.address_of(instruction.addresses[0], lane));
    std::byte* at = warp.block().shared.update(address, sizeof(U32));
    U32 value = 0;
    std::memcpy(&value, at, sizeof(value));
    warp.values(instruction.operands[0])[lane] = value;
    value |= static_cast<U32>(warp.values(instruction.operands[1])[lane]);
    std::memcpy(at, &value, sizeof(value));
  });
}

// cp.async [to], [from], bytes, bytes of the source
void copy_async(Warp& warp, const Instruction& instruction, U32 lanes) {
  for_lanes(lanes, [&](int lane) {
    const std::size_t bytes = warp.values(instruction.operands[0])[lane];
    const std::size_t of_source = instruction.operands.size() > 1
                                      ? static_cast<U32>(warp.values(instruction.operands[1])[lane])
                                      : bytes;
    if (of_source > bytes) throw Fault("more is copied than there is room for");
    warp.start_copy(lane, static_cast<U32>(warp.address_of(instruction.addresses[0], lane)),
                    warp.address_of(instruction.addresses[1], lane), bytes, of_source);
  });
}

// "ld.global.nc.v4.u32" and the like.
bool bind_access(Instruction& instruction) {
  const std::string& name = instruction.name;
  const bool is_load = name.starts_with("ld.");
  if (!is_load && !name.starts_with("st.")) return false;
  std::size_t at = 3;
  const auto part = [&] {
    const std::size_t end = std::min(name.size(), name.find('.', at));
    std::string text = name.substr(at, end - at);
    at = std::min(name.size(), end + 1);
    return text;
  };
  const std::string space = part();
  if (space == "global")
    instruction.space = Space::global;
  else if (space == "shared")
    instruction.space = Space::shared;
  else if (space == "local")
    instruction.space = Space::local;
  else if (space == "param")
    instruction.space = Space::param;
  else
    return false;
  std::string type = part();
  if (type == "nc") type = part();
  if (type == "v2" || type == "v4") {
    instruction.elements = type == "v2" ? 2 : 4;
    type = part();
  }
  const std::string digits = type.substr(std::min<std::size_t>(1, type.size()));
  if (at != name.size() || (digits != "8" && digits != "16" && digits != "32" && digits != "64"))
    return false;
  instruction.element_bytes = std::stoi(digits) / 8;
  instruction.is_signed = type[0] == 's';
  instruction.action = is_load ? load : store;
  return true;
}

std::unordered_map<std::string, Action> memory_table() {
  std::unordered_map<std::string, Action> table;
  table["atom.shared.or.b32"] = atomic_or_shared;
  table["cp.async.ca.shared.global"] = copy_async;
  table["cp.async.cg.shared.global"] = copy_async;
  table["cp.async.commit_group"] = [](Warp& warp, const Instruction&, U32 lanes) {
    for_lanes(lanes, [&](int lane) { warp.commit_copies(lane); });
  };
  table["cp.async.wait_group"] = [](Warp& warp, const Instruction& instruction, U32 lanes) {
    for_lanes(lanes,
              [&](int lane) { warp.wait_for_copies(lane, warp.values(instruction.operands[0])[lane]); });
  };
  table["fence.proxy.async.shared::cta"] = [](Warp& warp, const Instruction&, U32) {
    warp.block().shared.fence(warp.index());
    warp.block().mbarriers.fence(warp.agent());
  };
  return table;
}

}  // namespace

bool bind_memory(Instruction& instruction) {
  static const std::unordered_map<std::string, Action> table = memory_table();
  if (const auto found = table.find(instruction.name); found != table.end()) {
    instruction.action = found->second;
    return true;
  }
  return bind_access(instruction);
}

}  // namespace backdrop::ptx
