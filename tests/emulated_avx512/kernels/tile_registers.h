/// \file
/// Stands in for the kernels' header of that name: AMX's tile registers in plain loops, as Intel's
/// Instruction Set Extensions Programming Reference describes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <numeric>

#include "kernels/reduced_value.h"

namespace backdrop::kernels {
namespace {

inline constexpr int kTileRows = 16;
inline constexpr int kTileBytes = 64;

struct TileShapes {
  std::uint8_t palette = 1;
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

struct EmulatedTile {
  std::byte bytes[kTileRows][kTileBytes];
};

struct EmulatedTiles {
  TileShapes shapes;
  EmulatedTile tiles[8];
};

// Empty: no instruction is allowed.
inline thread_local EmulatedTiles* emulated_tiles = nullptr;

inline EmulatedTiles& open_tiles_state() {
  if (emulated_tiles == nullptr) std::abort();
  return *emulated_tiles;
}

inline void release_tiles() {
  delete emulated_tiles;
  emulated_tiles = nullptr;
}

inline void shape_tiles(const TileShapes& shapes) {
  release_tiles();
  emulated_tiles = new EmulatedTiles{shapes, {}};
}

template <int Tile>
inline void zero_tile() {
  open_tiles_state().tiles[Tile] = {};
}

template <int Tile>
inline void load_tile(const void* from, std::ptrdiff_t step) {
  EmulatedTiles& state = open_tiles_state();
  state.tiles[Tile] = {};
  for (int r = 0; r < state.shapes.rows[Tile]; ++r)
    std::memcpy(state.tiles[Tile].bytes[r], static_cast<const std::byte*>(from) + r * step,
                state.shapes.row_bytes[Tile]);
}

template <int Tile>
inline void store_tile(void* to, std::ptrdiff_t step) {
  const EmulatedTiles& state = open_tiles_state();
  for (int r = 0; r < state.shapes.rows[Tile]; ++r)
    std::memcpy(static_cast<std::byte*>(to) + r * step, state.tiles[Tile].bytes[r],
                state.shapes.row_bytes[Tile]);
}

template <class Element>
inline Element tile_element(const EmulatedTile& tile, int row, int place) {
  Element element;
  std::memcpy(&element, tile.bytes[row] + place * static_cast<int>(sizeof element), sizeof element);
  return element;
}

// `product` of a value and a weight; as many of them as fit four bytes are a group, each with a sum of its
// own until the end.
template <class Sum, class Value, class Weight, int Sums, int Values, int Weights, class Product>
inline void multiply_tiles(const Product& product) {
  constexpr int kInGroup = 4 / static_cast<int>(sizeof(Value));
  EmulatedTiles& state = open_tiles_state();
  const EmulatedTile& values = state.tiles[Values];
  const EmulatedTile& weights = state.tiles[Weights];
  for (int r = 0; r < state.shapes.rows[Sums]; ++r)
    for (int column = 0; column < kTileBytes / 4; ++column) {
      Sum of_group[kInGroup] = {};
      for (int group = 0; group < state.shapes.rows[Weights]; ++group)
        for (int i = 0; i < kInGroup; ++i)
          of_group[i] += product(tile_element<Value>(values, r, group * kInGroup + i),
                                 tile_element<Weight>(weights, group, column * kInGroup + i));
      Sum sum = tile_element<Sum>(state.tiles[Sums], r, column);
      sum += std::accumulate(std::begin(of_group), std::end(of_group), Sum{0});
      std::memcpy(state.tiles[Sums].bytes[r] + column * 4, &sum, sizeof sum);
    }
}

template <int Sums, int Values, int Weights>
inline void multiply_bf16_tiles() {
  multiply_tiles<float, Bf16, Bf16, Sums, Values, Weights>(
      [](Bf16 value, Bf16 weight) { return to_float(value) * to_float(weight); });
}

template <int Sums, int Values, int Weights>
inline void multiply_int8_tiles() {
  multiply_tiles<std::int32_t, std::uint8_t, std::int8_t, Sums, Values, Weights>(
      [](int value, int weight) { return value * weight; });
}

}  // namespace
}  // namespace backdrop::kernels
