#include <immintrin.h>

#include <algorithm>

#include "kernels/peak_loop.h"
#include "kernels/reduced_value.h"
#include "kernels/tile_registers.h"

namespace backdrop::kernels {
namespace {

constexpr int kRepeats = 16;
constexpr int kSums = 4;  // hide the latency of a product
constexpr int kElements = kTileRows * kTileBytes / 4;

// `product` adds to the sums of all four tiles. Tiles are small numbers, from `byte`.
template <class Product>
std::int64_t tile_peak_loop(std::int64_t rounds, float* sink, std::uint8_t byte, int depth,
                            const Product& product) {
  TileShapes shapes;
  for (int tile = 0; tile < kSums + 2; ++tile) {
    shapes.row_bytes[tile] = kTileBytes;
    shapes.rows[tile] = kTileRows;
  }
  alignas(64) std::uint8_t values[kTileRows][kTileBytes];
  std::fill_n(values[0], sizeof values, byte);
  shape_tiles(shapes);
  load_tile<kSums>(values, kTileBytes);
  load_tile<kSums + 1>(values, kTileBytes);
  for (std::int64_t round = 0; round < rounds; ++round)
    for (int repeat = 0; repeat < kRepeats; ++repeat) product();
  alignas(64) std::int32_t sums[kElements];
  store_tile<0>(sums, kTileBytes);
  release_tiles();
  *sink = static_cast<float>(sums[0]);
  return rounds * kRepeats * kSums * kTileRows * kTileRows * depth;
}

}  // namespace

std::int64_t peak_loop_bf16_amx(std::int64_t rounds, float* sink) {
  constexpr int kDepth = kTileBytes / static_cast<int>(sizeof(Bf16));
  return tile_peak_loop(rounds, sink, 0x3f, kDepth, [] {
    multiply_bf16_tiles<0, kSums, kSums + 1>();
    multiply_bf16_tiles<1, kSums, kSums + 1>();
    multiply_bf16_tiles<2, kSums, kSums + 1>();
    multiply_bf16_tiles<3, kSums, kSums + 1>();
  });
}

std::int64_t peak_loop_int8_amx(std::int64_t rounds, float* sink) {
  return tile_peak_loop(rounds, sink, 1, kTileBytes, [] {
    multiply_int8_tiles<0, kSums, kSums + 1>();
    multiply_int8_tiles<1, kSums, kSums + 1>();
    multiply_int8_tiles<2, kSums, kSums + 1>();
    multiply_int8_tiles<3, kSums, kSums + 1>();
  });
}

}  // namespace backdrop::kernels
