#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/for_constants.h"
#include "kernels/lanes_avx512.h"
#include "kernels/split_block.h"
#include "kernels/tile_registers.h"

namespace backdrop::kernels {
namespace {

constexpr std::ptrdiff_t kTermBytes = std::ptrdiff_t{kTileRows} * kTileBytes;
constexpr auto kStepBytes = static_cast<std::ptrdiff_t>(kSplitTileBytes);

// The upper half of every float of two vectors.
inline __m512i upper_halves(__m512i low, __m512i high) {
  alignas(64) static constexpr std::int16_t kOdd[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                                        23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                                        45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  return _mm512_permutex2var_epi16(low, _mm512_loadu_si512(kOdd), high);
}

inline __m512i without_upper_half(__m512i value) {
  const __m512i upper = _mm512_and_si512(value, _mm512_set1_epi32(static_cast<int>(0xffff0000)));
  return _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(value), _mm512_castsi512_ps(upper)));
}

void split(const float* const* rows, const float* const* ahead, int count, int channels, std::byte* tiles) {
  for (int r = 0; r < count; ++r) {
    std::byte* to = tiles + r * kTileBytes;
    for (int c = 0; c < channels; c += kSplitChannels, to += kSplitTileBytes) {
      __builtin_prefetch(ahead[r] + c, 0, 2);
      __builtin_prefetch(ahead[r] + c + kWholeVector, 0, 2);
      __m512i low = _mm512_loadu_si512(rows[r] + c);
      __m512i high = _mm512_loadu_si512(rows[r] + c + kWholeVector);
      for (int term = 0; term < kSplitTerms; ++term) {
        _mm512_storeu_si512(to + term * kTermBytes, upper_halves(low, high));
        low = without_upper_half(low);
        high = without_upper_half(high);
      }
    }
  }
}

// Pairs of terms, the smallest products first; from one to the next only one of both is loaded.
struct TermPair {
  int value, weight;
};
constexpr std::array<TermPair, kSplitProducts> kPairs{{{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {0, 0}}};

template <int Pair>
constexpr bool is_new(int TermPair::*term) {
  return Pair == 0 || kPairs[Pair].*term != kPairs[Pair > 0 ? Pair - 1 : 0].*term;
}

// The registers: sums first, up to two row tiles by two strips.
constexpr int kValues = 4;   // of each row tile
constexpr int kWeights = 6;  // of each strip
constexpr int kRegisters = 8;

template <int RowTiles, int Strips>
inline void multiply_registers() {
  for_constants<RowTiles>([](auto t) {
    for_constants<Strips>([](auto s) {
      multiply_bf16_tiles<decltype(t)::value * Strips + decltype(s)::value, kValues + decltype(t)::value,
                          kWeights + decltype(s)::value>();
    });
  });
}

// Calls each(register, place of its first sum).
template <int RowTiles, int Strips, class Each>
inline void for_sums(const SplitProduct& p, float* sums, int strip, const Each& each) {
  for_constants<RowTiles>([&](auto t) {
    for_constants<Strips>([&](auto s) {
      each(std::integral_constant<int, decltype(t)::value * Strips + decltype(s)::value>(),
           sums + t * kTileRows * p.row_floats + (strip + s) * kSplitColumns);
    });
  });
}

template <int RowTiles, int Strips>
inline void multiply_strips(const SplitProduct& p, const std::byte* values, float* sums, int strip) {
  const auto row_bytes = p.row_floats * static_cast<std::ptrdiff_t>(sizeof(float));
  for_sums<RowTiles, Strips>(p, sums, strip, [&](auto number, const float* place) {
    p.add ? load_tile<decltype(number)::value>(place, row_bytes) : zero_tile<decltype(number)::value>();
  });
  const std::ptrdiff_t strip_bytes = kStepBytes * p.strip_tiles;
  const std::byte* weights = p.panel + strip * strip_bytes;
  for (int step = 0; step < p.depth; ++step, values += kStepBytes, weights += kStepBytes) {
    for_constants<kSplitProducts>([&](auto number) {
      constexpr int kPair = decltype(number)::value;
      const std::byte* const value = values + kPairs[kPair].value * kTermBytes;
      const std::byte* const weight = weights + kPairs[kPair].weight * kTermBytes;
      if constexpr (is_new<kPair>(&TermPair::value))
        for_constants<RowTiles>(
            [&](auto t) { load_tile<kValues + t>(value + t * kStepBytes * p.depth, kTileBytes); });
      if constexpr (is_new<kPair>(&TermPair::weight))
        for_constants<Strips>([&](auto s) { load_tile<kWeights + s>(weight + s * strip_bytes, kTileBytes); });
      multiply_registers<RowTiles, Strips>();
    });
  }
  for_sums<RowTiles, Strips>(p, sums, strip, [&](auto number, float* place) {
    store_tile<decltype(number)::value>(place, row_bytes);
  });
}

template <int RowTiles>
inline void multiply_panel(const SplitProduct& p, const std::byte* values, float* sums) {
  const int strips = (p.columns + kSplitColumns - 1) / kSplitColumns;
  int strip = 0;
  for (; strip + 2 <= strips; strip += 2) multiply_strips<RowTiles, 2>(p, values, sums, strip);
  if (strip < strips) multiply_strips<RowTiles, 1>(p, values, sums, strip);
}

inline void finish_row(const SplitProduct& p, const SplitRow& row, const float* sums, __m512 slope) {
  for (int c = 0; c < p.columns; c += kWholeVector) {
    const int valid = std::min(kWholeVector, p.columns - c);
    const int place = p.first_column + c;
    __m512 sum = _mm512_add_ps(_mm512_loadu_ps(sums + c), load_lanes(row.start + place, valid));
    if (row.residual != nullptr) sum = _mm512_add_ps(sum, load_lanes(row.residual + place, valid));
    store_lanes(row.output + place, valid, activate(sum, slope));
  }
}

void multiply(const SplitProduct& p, int count, const SplitRow* rows) {
  TileShapes shapes;
  std::fill_n(shapes.row_bytes, kRegisters, std::uint16_t{kTileBytes});
  std::fill_n(shapes.rows, kRegisters, std::uint8_t{kTileRows});
  shape_tiles(shapes);
  const __m512 slope = _mm512_set1_ps(p.slope);
  const std::byte* values = p.values;
  float* sums = p.sums;
  for (int first = 0; first < count; first += kSplitTogether) {
    const int rest = std::min(kSplitTogether, count - first);
    rest > kSplitRows ? multiply_panel<2>(p, values, sums) : multiply_panel<1>(p, values, sums);
    for (int r = 0; rows != nullptr && r < rest; ++r)
      finish_row(p, rows[first + r], sums + r * p.row_floats, slope);
    values += 2 * kStepBytes * p.depth;
    sums += p.step_floats;
  }
  release_tiles();
}

}  // namespace

SplitBlock split_block_amx() {
  return {split, multiply};
}

}  // namespace backdrop::kernels
