#include "tests/ptx/matrix.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <unordered_map>

#include "tests/ptx/machine.h"
#include "tests/ptx/numbers.h"

namespace backdrop::ptx {
namespace {

constexpr int kInnerBytes = 32;  // of a row that one instruction multiplies, in every type
constexpr int kRows = 16;        // of a warp
constexpr int kColumns = 8;      // of a tile of sums

// Elements of an operand: how many lie in the 32 bytes, and their values, exact in double precision.
template <float (*kFloat)(std::uint16_t)>
struct SixteenBits {
  static constexpr int kCount = 16;
  static double at(const std::byte* row, int k) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, row + 2 * k, sizeof(bits));
    return kFloat(bits);
  }
};
using Halves = SixteenBits<float_of_half>;
using Bfloat16s = SixteenBits<float_of_bfloat16>;

struct Tf32s {
  static constexpr int kCount = 8;
  static double at(const std::byte* row, int k) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, row + 4 * k, sizeof(bits));
    return std::bit_cast<float>(bits & ~0x1fffu);  // the lower bits are not looked at
  }
};

struct E4m3s {
  static constexpr int kCount = 32;
  static double at(const std::byte* row, int k) {
    return float_of_e4m3(std::to_integer<std::uint8_t>(row[k]));
  }
};

struct UnsignedBytes {
  static constexpr int kCount = 32;
  static double at(const std::byte* row, int k) { return std::to_integer<std::uint8_t>(row[k]); }
};

struct SignedBytes {
  static constexpr int kCount = 32;
  static double at(const std::byte* row, int k) {
    return static_cast<std::int8_t>(std::to_integer<std::uint8_t>(row[k]));
  }
};

// A sum in a register. Whole numbers are exact in double precision as far as 32 bits go; floats are cut off
// towards zero, as tensor cores do (tf32_terms.h).
struct FloatSum {
  static double value(std::uint64_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits)); }
  static std::uint64_t bits(double value) {
    auto sum = static_cast<float>(value);
    if (std::isfinite(sum) && std::abs(sum) > std::abs(value)) sum = std::nextafter(sum, 0.0f);
    return std::bit_cast<std::uint32_t>(sum);
  }
};

struct IntegerSum {
  static double value(std::uint64_t bits) { return static_cast<std::int32_t>(bits); }
  static std::uint64_t bits(double value) {
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(value));  // wraps around
  }
};

using Row = std::byte[kInnerBytes];

// sums[16][8] += a[16] * b[8], rows and columns of 32 bytes.
template <class Left, class Right>
void multiply(const Row* a, const Row* b, double (&sums)[kRows][kColumns]) {
  constexpr int kCount = Left::kCount;
  static_assert(kCount == Right::kCount);
  double right[kCount][kColumns];
  for (int k = 0; k < kCount; ++k)
    for (int column = 0; column < kColumns; ++column) right[k][column] = Right::at(b[column], k);
  for (int row = 0; row < kRows; ++row)
    for (int k = 0; k < kCount; ++k) {
      const double left = Left::at(a[row], k);
      for (int column = 0; column < kColumns; ++column) sums[row][column] += left * right[k][column];
    }
}

// Register `i` of four that hold a lane's sums: rows g and g + 8, columns 2 t and 2 t + 1.
int sum_row(int lane, int i) {
  return lane / 4 + i / 2 * 8;
}

int sum_column(int lane, int i) {
  return lane % 4 * 2 + i % 2;
}

// What a warp's four registers hold of 16 rows.
void gather(Warp& warp, const int* registers, Row (&rows)[kRows]) {
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 4; ++i)
      std::memcpy(rows[lane / 4 + i % 2 * 8] + i / 2 * 16 + lane % 4 * 4, &warp.values(registers[i])[lane],
                  4);
}

// mma.sync sums, a, b, sums
template <class Left, class Right, class Sum>
void multiply_warp(Warp& warp, const Instruction& instruction, std::uint32_t lanes) {
  if (lanes != kAllLanes) throw Fault("not all 32 lanes execute it");
  const int* to = instruction.operands.data();
  const int *a = to + 4, *b = a + 4, *c = b + 2;
  Row rows[kRows], columns[kColumns];
  double sums[kRows][kColumns];
  gather(warp, a, rows);
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int i = 0; i < 2; ++i)
      std::memcpy(columns[lane / 4] + i * 16 + lane % 4 * 4, &warp.values(b[i])[lane], 4);
    for (int i = 0; i < 4; ++i)
      sums[sum_row(lane, i)][sum_column(lane, i)] = Sum::value(warp.values(c[i])[lane]);
  }
  multiply<Left, Right>(rows, columns, sums);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 4; ++i)
      warp.values(to[i])[lane] = Sum::bits(sums[sum_row(lane, i)][sum_column(lane, i)]);
}

// Four 8 x 8 matrices of 16 bits: lanes 8 i .. 8 i + 7 name the rows of matrix i.
void load_matrices(Warp& warp, const Instruction& instruction, std::uint32_t lanes) {
  if (lanes != kAllLanes) throw Fault("not all 32 lanes execute it");
  const Address& address = instruction.addresses[0];
  const std::byte* rows[kLanes];
  for (int lane = 0; lane < kLanes; ++lane)
    rows[lane] =
        warp.block().shared.read(static_cast<std::uint32_t>(warp.values(address.base)[lane] +
                                                            static_cast<std::uint64_t>(address.offset)),
                                 16, warp.index());
  for (int i = 0; i < 4; ++i)
    for (int lane = 0; lane < kLanes; ++lane) {
      std::uint64_t& to = warp.values(instruction.operands[i])[lane];
      to = 0;
      std::memcpy(&to, rows[8 * i + lane / 4] + lane % 4 * 4, 4);
    }
}

// An operand of wgmma in shared memory, K-major, swizzled by 128 bytes: eight rows of 128 bytes lie together,
// and within each the chunks of 16 bytes are exchanged by the row's number. "Matrix descriptor format".
class Described {
 public:
  explicit Described(std::uint64_t descriptor)
      : start_(static_cast<std::uint32_t>(descriptor & 0x3fff) << 4),
        stride_(static_cast<std::uint32_t>(descriptor >> 32 & 0x3fff) << 4) {
    if (descriptor >> 62 != 1) throw Fault("only the swizzle by 128 bytes is known");
    if ((descriptor >> 49 & 7) != 0 || (start_ >> 7 & 7) != 0)
      throw Fault("a swizzled operand must begin at a multiple of 1,024 bytes");
  }

  void read(Warp& warp, int row, Row& to) const {
    for (std::uint32_t chunk = 0; chunk < kInnerBytes; chunk += 16) {
      const std::uint32_t address = start_ + static_cast<std::uint32_t>(row / 8) * stride_ +
                                    static_cast<std::uint32_t>(row % 8) * 128 + chunk;
      std::memcpy(to + chunk, warp.hold(address ^ (address >> 7 & 7) << 4, 16), 16);
    }
  }

 private:
  std::uint32_t start_;
  std::uint32_t stride_;
};

// wgmma.mma_async sums, a, b, add, signs, transpositions: this warp's 16 of the 64 rows. `a` is a descriptor,
// or four registers.
template <int kAllColumns, class Left, class Right, class Sum, int kLeftOperands = 1>
void multiply_warpgroup(Warp& warp, const Instruction& instruction, std::uint32_t lanes) {
  if (lanes != kAllLanes) throw Fault("not all 32 lanes execute it");
  constexpr int kSums = kAllColumns / 2;
  if (instruction.results != kSums) throw Fault("the number of sums does not fit the shape");
  const int* to = instruction.operands.data();
  const int* behind_left = to + kSums + kLeftOperands;
  const auto operand = [&](int i) { return warp.values(behind_left[i]); };
  const bool adds = operand(1)[0] != 0;
  const int sources = static_cast<int>(instruction.operands.size()) - kSums - kLeftOperands;
  for (int i = 2; i < sources; ++i)
    if (operand(i)[0] != (i < 4 ? 1 : 0)) throw Fault("negated and transposed operands are not known");
  for (int lane = 1; lane < kLanes; ++lane)
    for (int i = kLeftOperands == 1 ? -1 : 0; i < 2; ++i)
      if (operand(i)[lane] != operand(i)[0]) throw Fault("the lanes name different operands");
  const Described right(operand(0)[0]);
  for (int i = 0; i < kSums + (kLeftOperands > 1 ? kLeftOperands : 0); ++i) warp.check_fenced(to[i]);
  Row rows[kRows], columns[kColumns];
  if constexpr (kLeftOperands == 1) {
    const Described left(operand(-1)[0]);
    for (int row = 0; row < kRows; ++row) left.read(warp, warp.index() % 4 * kRows + row, rows[row]);
  } else {
    gather(warp, to + kSums, rows);
    for (int i = 0; i < kLeftOperands; ++i) warp.hold_register(to[kSums + i]);
  }
  for (int first = 0; first < kAllColumns; first += kColumns) {
    for (int column = 0; column < kColumns; ++column) right.read(warp, first + column, columns[column]);
    const int* registers = to + first / 2;
    double sums[kRows][kColumns] = {};
    std::uint64_t values[4][kLanes];
    if (adds)
      for (int i = 0; i < 4; ++i) {
        const std::uint64_t* before = warp.sums_under_way(registers[i]);
        for (int lane = 0; lane < kLanes; ++lane)
          sums[sum_row(lane, i)][sum_column(lane, i)] = Sum::value(before[lane]);
      }
    multiply<Left, Right>(rows, columns, sums);
    for (int i = 0; i < 4; ++i) {
      for (int lane = 0; lane < kLanes; ++lane)
        values[i][lane] = Sum::bits(sums[sum_row(lane, i)][sum_column(lane, i)]);
      warp.put_later(registers[i], values[i]);
    }
  }
}

template <int kAllColumns>
void add_warpgroup(std::unordered_map<std::string, Action>& table) {
  const std::string shape = "wgmma.mma_async.sync.aligned.m64n" + std::to_string(kAllColumns);
  table[shape + "k16.f32.f16.f16"] = multiply_warpgroup<kAllColumns, Halves, Halves, FloatSum>;
  table[shape + "k16.f32.bf16.bf16"] = multiply_warpgroup<kAllColumns, Bfloat16s, Bfloat16s, FloatSum>;
  table[shape + "k32.s32.u8.s8"] = multiply_warpgroup<kAllColumns, UnsignedBytes, SignedBytes, IntegerSum>;
  table[shape + "k32.f32.e4m3.e4m3"] = multiply_warpgroup<kAllColumns, E4m3s, E4m3s, FloatSum>;
  table[shape + "k8.f32.tf32.tf32"] = multiply_warpgroup<kAllColumns, Tf32s, Tf32s, FloatSum, 4>;
}

std::unordered_map<std::string, Action> matrix_table() {
  std::unordered_map<std::string, Action> table;
  const std::string shape = "mma.sync.aligned.m16n8";
  table[shape + "k16.row.col.f32.f16.f16.f32"] = multiply_warp<Halves, Halves, FloatSum>;
  table[shape + "k16.row.col.f32.bf16.bf16.f32"] = multiply_warp<Bfloat16s, Bfloat16s, FloatSum>;
  table[shape + "k8.row.col.f32.tf32.tf32.f32"] = multiply_warp<Tf32s, Tf32s, FloatSum>;
  table[shape + "k32.row.col.s32.u8.s8.s32"] = multiply_warp<UnsignedBytes, SignedBytes, IntegerSum>;
  table[shape + "k32.row.col.f32.e4m3.e4m3.f32"] = multiply_warp<E4m3s, E4m3s, FloatSum>;
  table["ldmatrix.sync.aligned.m8n8.x4.shared.b16"] = load_matrices;
  add_warpgroup<64>(table);
  add_warpgroup<128>(table);
  add_warpgroup<256>(table);
  table["wgmma.fence.sync.aligned"] = [](Warp& warp, const Instruction&, std::uint32_t) {
    warp.fence_registers();
  };
  table["wgmma.commit_group.sync.aligned"] = [](Warp& warp, const Instruction&, std::uint32_t) {
    warp.commit_products();
  };
  table["wgmma.wait_group.sync.aligned"] = [](Warp& warp, const Instruction& instruction, std::uint32_t) {
    warp.wait_for_products(warp.values(instruction.operands[0])[0]);
  };
  return table;
}

}  // namespace

bool bind_matrix(Instruction& instruction) {
  static const std::unordered_map<std::string, Action> table = matrix_table();
  const auto found = table.find(instruction.name);
  if (found == table.end()) return false;
  instruction.action = found->second;
  instruction.is_product = instruction.name.starts_with("wgmma.mma_async");
  return true;
}

}  // namespace backdrop::ptx
