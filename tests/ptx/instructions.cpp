// What each instruction does to a lane's registers: arithmetic, conversions, and what passes values from lane
// to lane. Memory is in memory_instructions.cpp, products on tensor cores in matrix.cpp.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "tests/ptx/barrier_instructions.h"
#include "tests/ptx/machine.h"
#include "tests/ptx/matrix.h"
#include "tests/ptx/memory_instructions.h"
#include "tests/ptx/numbers.h"

namespace backdrop::ptx {
namespace {

using Table = std::unordered_map<std::string, Action>;

using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

// A register's bits as a value, and back.
template <class T>
T value_of(U64 bits) {
  if constexpr (std::is_same_v<T, bool>)
    return (bits & 1) != 0;
  else if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<U32>(bits));
  else
    return static_cast<T>(bits);
}

template <class T>
U64 bits_of(T value) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? 1 : 0;
  else if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<U32>(value);
  else
    return static_cast<std::make_unsigned_t<T>>(value);
}

// result = kFunction(operand 1, operand 2, ...), the operands of these types.
template <auto kFunction, class... Operands>
void compute(Warp& warp, const Instruction& instruction, U32 lanes) {
  const int* operands = instruction.operands.data();
  U64* to = warp.values(operands[0]);
  [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    const U64* const from[] = {warp.values(operands[kIndex + 1])...};
    for_lanes(lanes,
              [&](int lane) { to[lane] = bits_of(kFunction(value_of<Operands>(from[kIndex][lane])...)); });
  }
  (std::index_sequence_for<Operands...>());
}

// Sums and products of integers wrap around: computed without signs.
template <class T>
T wrapped(std::make_unsigned_t<T> value) {
  return static_cast<T>(value);
}

template <class T>
void add_comparisons(Table& table, const std::string& type) {
  table["setp.eq." + type] = compute<std::equal_to<>{}, T, T>;
  table["setp.lt." + type] = compute<std::less<>{}, T, T>;
  table["setp.le." + type] = compute<std::less_equal<>{}, T, T>;
  table["setp.gt." + type] = compute<std::greater<>{}, T, T>;
  table["setp.ge." + type] = compute<std::greater_equal<>{}, T, T>;
}

// A shift by more than there are bits shifts all of them out.
template <class T>
T shifted_left(T value, U32 by) {
  return by >= 8 * sizeof(T) ? T{0} : static_cast<T>(value << by);
}

template <class T>
T shifted_right(T value, U32 by) {
  if (by >= 8 * sizeof(T)) return static_cast<T>(value < 0 ? -1 : 0);
  return static_cast<T>(value >> by);
}

// Two floats into one register; the first operand goes to the upper half.
template <auto kFunction, int kBits>
U32 converted_pair(float high, float low) {
  return static_cast<U32>(U32{kFunction(high)} << kBits | kFunction(low));
}

// ".relu": negative ones become zeros, but not what is no number.
template <auto kFunction, int kBits>
U32 rectified_pair(float high, float low) {
  return converted_pair<kFunction, kBits>(high < 0 ? 0.0f : high, low < 0 ? 0.0f : low);
}

// Two whole numbers as bytes, below those that are there.
U32 packed_bytes(S32 high, S32 low, U32 others) {
  const auto byte = [](S32 value) { return static_cast<U32>(std::clamp(value, 0, 255)); };
  return others << 16 | byte(high) << 8 | byte(low);
}

// e4m3x2 to f16x2.
U32 widened_e4m3_pair(U16 pair) {
  const auto half = [&](int shift) {
    return U32{half_of(float_of_e4m3(static_cast<std::uint8_t>(pair >> shift)))};
  };
  return half(8) << 16 | half(0);
}

template <class To, class From>
void add_conversion(Table& table, const std::string& to, const std::string& from) {
  table["cvt." + to + "." + from] = compute<[](From value) { return static_cast<To>(value); }, From>;
}

template <class To>
void add_conversions_to(Table& table, const std::string& to) {
  add_conversion<To, std::int8_t>(table, to, "s8");
  add_conversion<To, std::uint8_t>(table, to, "u8");
  add_conversion<To, S16>(table, to, "s16");
  add_conversion<To, U16>(table, to, "u16");
  add_conversion<To, S32>(table, to, "s32");
  add_conversion<To, U32>(table, to, "u32");
  add_conversion<To, S64>(table, to, "s64");
  add_conversion<To, U64>(table, to, "u64");
}

// Numbers out of range to the range's end, what is no number to 0.
template <class To, double (*kRound)(double)>
To rounded(float value) {
  if (std::isnan(value)) return 0;
  const double whole = kRound(static_cast<double>(value));
  if (whole <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (whole >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(whole);
}

template <class Wide, class Narrow>
Wide wide_product(Narrow a, Narrow b) {
  return static_cast<Wide>(a) * static_cast<Wide>(b);
}

template <class T>
void add_integers(Table& table, const std::string& type) {
  using U = std::make_unsigned_t<T>;
  table["add." + type] = compute<[](T a, T b) { return wrapped<T>(static_cast<U>(U(a) + U(b))); }, T, T>;
  table["sub." + type] = compute<[](T a, T b) { return wrapped<T>(static_cast<U>(U(a) - U(b))); }, T, T>;
  table["mul.lo." + type] =
      compute<[](T a, T b) { return wrapped<T>(static_cast<U>(U64(U(a)) * U(b))); }, T, T>;
  table["mad.lo." + type] =
      compute<[](T a, T b, T c) { return wrapped<T>(static_cast<U>(U64(U(a)) * U(b) + U(c))); }, T, T, T>;
  table["div." + type] = compute<[](T a, T b) {
    if (b == 0) throw Fault("division by zero");
    return static_cast<T>(a / b);
  },
                                 T, T>;
  table["rem." + type] = compute<[](T a, T b) {
    if (b == 0) throw Fault("division by zero");
    return static_cast<T>(a % b);
  },
                                 T, T>;
  table["min." + type] = compute<[](T a, T b) { return std::min(a, b); }, T, T>;
  table["max." + type] = compute<[](T a, T b) { return std::max(a, b); }, T, T>;
  table["neg." + type] = compute<[](T a) { return wrapped<T>(static_cast<U>(U(0) - U(a))); }, T>;
  table["shr." + type] = compute<shifted_right<T>, T, U32>;
  table["setp.ne." + type] = compute<std::not_equal_to<>{}, T, T>;
  add_comparisons<T>(table, type);
}

template <class T>
void add_bits(Table& table, const std::string& type) {
  table["and." + type] = compute<[](T a, T b) { return static_cast<T>(a & b); }, T, T>;
  table["or." + type] = compute<[](T a, T b) { return static_cast<T>(a | b); }, T, T>;
  table["xor." + type] = compute<[](T a, T b) { return static_cast<T>(a ^ b); }, T, T>;
  table["setp.eq." + type] = compute<std::equal_to<>{}, T, T>;
  table["setp.ne." + type] = compute<std::not_equal_to<>{}, T, T>;
  if constexpr (std::is_same_v<T, bool>) {
    table["not." + type] = compute<[](T a) { return !a; }, T>;
  } else {
    table["not." + type] = compute<[](T a) { return static_cast<T>(~a); }, T>;
    table["shl." + type] = compute<shifted_left<T>, T, U32>;
  }
}

void add_floats(Table& table) {
  table["add.f32"] = compute<[](float a, float b) { return a + b; }, float, float>;
  table["sub.f32"] = compute<[](float a, float b) { return a - b; }, float, float>;
  table["mul.f32"] = compute<[](float a, float b) { return a * b; }, float, float>;
  table["fma.rn.f32"] =
      compute<[](float a, float b, float c) { return std::fma(a, b, c); }, float, float, float>;
  table["min.f32"] = compute<[](float a, float b) { return std::fmin(a, b); }, float, float>;
  table["max.f32"] = compute<[](float a, float b) { return std::fmax(a, b); }, float, float>;
  table["neg.f32"] = compute<[](float a) { return -a; }, float>;
  table["abs.f32"] = compute<[](float a) { return std::fabs(a); }, float>;
  table["rcp.rn.f32"] = compute<[](float a) { return 1.0f / a; }, float>;
  add_comparisons<float>(table, "f32");
  table["setp.neu.f32"] = compute<std::not_equal_to<>{}, float, float>;  // true of what is no number
  table["setp.nan.f32"] =
      compute<[](float a, float b) { return std::isnan(a) || std::isnan(b); }, float, float>;

  table["cvt.rn.f32.s32"] = compute<[](S32 value) { return static_cast<float>(value); }, S32>;
  table["cvt.rn.f32.u32"] = compute<[](U32 value) { return static_cast<float>(value); }, U32>;
  table["cvt.rn.f32.u16"] = compute<[](U16 value) { return static_cast<float>(value); }, U16>;
  table["cvt.rzi.u32.f32"] = compute<rounded<U32, std::trunc>, float>;
  table["cvt.rzi.s32.f32"] = compute<rounded<S32, std::trunc>, float>;
  table["cvt.rni.s32.f32"] = compute<rounded<S32, std::nearbyint>, float>;
  table["cvt.pack.sat.u8.s32.b32"] = compute<packed_bytes, S32, S32, U32>;
  table["cvt.rni.f32.f32"] = compute<[](float value) { return std::nearbyint(value); }, float>;
  table["cvt.rna.tf32.f32"] = compute<tf32_of, float>;
  table["cvt.f32.f16"] = compute<float_of_half, U16>;
  table["cvt.rn.f16.f32"] = compute<half_of, float>;
  table["cvt.f32.bf16"] = compute<float_of_bfloat16, U16>;
  table["cvt.rn.bf16.f32"] = compute<bfloat16_of, float>;
  table["cvt.rn.f16x2.f32"] = compute<converted_pair<half_of, 16>, float, float>;
  table["cvt.rn.bf16x2.f32"] = compute<converted_pair<bfloat16_of, 16>, float, float>;
  table["cvt.rn.satfinite.e4m3x2.f32"] = compute<converted_pair<e4m3_of, 8>, float, float>;
  table["cvt.rn.relu.f16x2.f32"] = compute<rectified_pair<half_of, 16>, float, float>;
  table["cvt.rn.relu.bf16x2.f32"] = compute<rectified_pair<bfloat16_of, 16>, float, float>;
  table["cvt.rn.satfinite.relu.e4m3x2.f32"] = compute<rectified_pair<e4m3_of, 8>, float, float>;
  table["cvt.rn.f16x2.e4m3x2"] = compute<widened_e4m3_pair, U16>;
}

void move(Warp& warp, const Instruction& instruction, U32 lanes) {
  const int* operands = instruction.operands.data();
  const int results = instruction.results;
  const int sources = static_cast<int>(instruction.operands.size()) - results;
  U64* to = warp.values(operands[0]);
  const U64* from = warp.values(operands[results]);
  if (results == sources) {
    for_lanes(lanes, [&](int lane) { to[lane] = from[lane]; });
    return;
  }
  // {low, high} = wide, or wide = {low, high}
  const int bits = instruction.name.ends_with("64") ? 32 : 16;
  const U64 mask = (U64{1} << bits) - 1;
  if (results == 2) {
    U64* high = warp.values(operands[1]);
    for_lanes(lanes, [&](int lane) {
      const U64 wide = from[lane];
      to[lane] = wide & mask;
      high[lane] = wide >> bits & mask;
    });
  } else {
    const U64* high = warp.values(operands[2]);
    for_lanes(lanes, [&](int lane) { to[lane] = (from[lane] & mask) | (high[lane] & mask) << bits; });
  }
}

U32 permuted_bytes(U32 a, U32 b, U32 how) {
  const U64 bytes = a | U64{b} << 32;
  U32 result = 0;
  for (int i = 0; i < 4; ++i) {
    const U32 selector = how >> (4 * i) & 15;
    const U32 byte = static_cast<U32>(bytes >> (8 * (selector & 7))) & 0xff;
    result |= ((selector & 8) == 0 ? byte : (byte & 0x80) != 0 ? 0xffu : 0u) << (8 * i);
  }
  return result;
}

U32 inserted_bits(U32 what, U32 into, U32 first, U32 count) {
  const U64 bits = ((U64{1} << std::min(count & 0xff, 32u)) - 1) << std::min(first & 0xff, 32u);
  return static_cast<U32>((into & ~bits) | (U64{what} << std::min(first & 0xff, 32u) & bits));
}

void check_members(Warp& warp, int members, U32 lanes) {
  for_lanes(lanes, [&](int lane) {
    if (static_cast<U32>(warp.values(members)[lane]) != lanes)
      throw Fault("not all lanes that are named take part");
  });
}

// shfl.sync.down.b32 to|found, from, by, clamp and width, members
void shuffle_down(Warp& warp, const Instruction& instruction, U32 lanes) {
  const int* operands = instruction.operands.data();
  const bool says = instruction.results == 2;
  const int* sources = operands + instruction.results;
  const U64 *from = warp.values(sources[0]), *by = warp.values(sources[1]), *limit = warp.values(sources[2]);
  check_members(warp, sources[3], lanes);
  U64 results[kLanes];
  bool found[kLanes];
  for_lanes(lanes, [&](int lane) {
    const int segment = static_cast<int>(limit[lane] >> 8 & 31);
    const int last = (lane & segment) | (static_cast<int>(limit[lane] & 31) & ~segment);
    const int other = lane + static_cast<int>(by[lane] & 31);
    found[lane] = other <= last;
    results[lane] = static_cast<U32>(from[found[lane] ? other : lane]);
  });
  for_lanes(lanes, [&](int lane) {
    warp.values(operands[0])[lane] = results[lane];
    if (says) warp.values(operands[1])[lane] = found[lane] ? 1 : 0;
  });
}

// elect.sync leader|is the leader, members
void elect(Warp& warp, const Instruction& instruction, U32 lanes) {
  const int* operands = instruction.operands.data();
  check_members(warp, operands[2], lanes);
  const int leader = std::countr_zero(lanes);
  for_lanes(lanes, [&](int lane) {
    warp.values(operands[0])[lane] = static_cast<U64>(leader);
    warp.values(operands[1])[lane] = lane == leader ? 1 : 0;
  });
}

// Registers are never short here.
void set_registers(Warp& warp, const Instruction& instruction, U32) {
  const U64 count = warp.values(instruction.operands[0])[0];
  if (count % 8 != 0 || count < 24 || count > 256) throw Fault("a warp cannot have so many registers");
}

Table make_table() {
  Table table;
  add_integers<S16>(table, "s16");
  add_integers<U16>(table, "u16");
  add_integers<S32>(table, "s32");
  add_integers<U32>(table, "u32");
  add_integers<S64>(table, "s64");
  add_integers<U64>(table, "u64");
  add_bits<U16>(table, "b16");
  add_bits<U32>(table, "b32");
  add_bits<U64>(table, "b64");
  add_bits<bool>(table, "pred");
  add_floats(table);
  add_conversions_to<S16>(table, "s16");
  add_conversions_to<U16>(table, "u16");
  add_conversions_to<S32>(table, "s32");
  add_conversions_to<U32>(table, "u32");
  add_conversions_to<S64>(table, "s64");
  add_conversions_to<U64>(table, "u64");
  for (const char* type : {"b16", "b32", "b64", "u16", "u32", "u64", "s32", "s64", "f32", "pred"}) {
    table[std::string("mov.") + type] = move;
    table[std::string("selp.") + type] =
        compute<[](U64 a, U64 b, bool takes_a) { return takes_a ? a : b; }, U64, U64, bool>;
  }
  table["mul.wide.s32"] = compute<wide_product<S64, S32>, S32, S32>;
  table["mul.wide.u32"] = compute<wide_product<U64, U32>, U32, U32>;
  table["mul.wide.s16"] = compute<wide_product<S32, S16>, S16, S16>;
  table["mul.wide.u16"] = compute<wide_product<U32, U16>, U16, U16>;
  table["popc.b32"] = compute<[](U32 a) { return static_cast<U32>(std::popcount(a)); }, U32>;
  table["prmt.b32"] = compute<permuted_bytes, U32, U32, U32>;
  table["bfi.b32"] = compute<inserted_bits, U32, U32, U32, U32>;
  // Global memory has one address in every space.
  table["cvta.to.global.u64"] = move;
  table["shfl.sync.down.b32"] = shuffle_down;
  table["elect.sync"] = elect;
  table["setmaxnreg.inc.sync.aligned.u32"] = table["setmaxnreg.dec.sync.aligned.u32"] = set_registers;
  // Lanes of a warp see each other's writes here by themselves.
  table["bar.warp.sync"] = [](Warp& warp, const Instruction& instruction, U32 lanes) {
    check_members(warp, instruction.operands[0], lanes);
  };
  table["trap"] = [](Warp&, const Instruction&, U32) { throw Fault("what must not be run is run"); };
  return table;
}

}  // namespace

void bind(Instruction& instruction) {
  static const Table table = make_table();
  const std::string& name = instruction.name;
  instruction.aligned = name.find(".sync") != std::string::npos;
  if (name == "bra" || name == "bra.uni") {
    instruction.flow = Flow::branch;
  } else if (name == "ret" || name == "exit") {
    instruction.flow = Flow::leave;
  } else if (name == "bar.sync") {
    instruction.flow = Flow::barrier;
  } else if (const auto found = table.find(name); found != table.end()) {
    instruction.action = found->second;
  } else if (!bind_memory(instruction) && !bind_matrix(instruction) && !bind_barrier(instruction)) {
    throw Fault(instruction.line + ": unknown instruction " + name);
  }
}

}  // namespace backdrop::ptx
