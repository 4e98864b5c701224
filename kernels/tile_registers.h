/// \file
/// The tile registers of AMX: eight of at most 16 rows by 64 bytes. A product adds to a tile of 16 columns of
/// 32-bit sums, for each row, those of a row of values times a tile of weights: sixteen four-byte groups
/// deep, with a row of the weights for each group and four bytes of it for each column (Intel's Instruction
/// Set Extensions Programming Reference, chapter 3). Only for files compiled for AMX, entered where
/// may_use_tiles().
///
/// By hand: the compiler's own functions do not say that they read memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backdrop::kernels {
namespace {

inline constexpr int kTileRows = 16;
inline constexpr int kTileBytes = 64;  // of a row

/// What LDTILECFG reads.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

/// Until release_tiles(), on this thread. All tiles become zeros.
inline void shape_tiles(const TileShapes& shapes) {
  asm volatile("ldtilecfg %0" ::"m"(shapes) : "memory");
}

inline void release_tiles() {
  asm volatile("tilerelease");
}

template <int Tile>
inline void zero_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
}

/// Rows are `step` bytes apart.
template <int Tile>
inline void load_tile(const void* from, std::ptrdiff_t step) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(step), "i"(Tile) : "memory");
}

template <int Tile>
inline void store_tile(void* to, std::ptrdiff_t step) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(step), "i"(Tile) : "memory");
}

template <int Sums, int Values, int Weights>
inline void multiply_bf16_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sums), "i"(Values), "i"(Weights));
}

/// Unsigned values by signed weights.
template <int Sums, int Values, int Weights>
inline void multiply_int8_tiles() {
  asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sums), "i"(Values), "i"(Weights));
}

}  // namespace
}  // namespace backdrop::kernels
