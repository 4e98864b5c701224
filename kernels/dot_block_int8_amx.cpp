// Unsigned 8-bit inputs times signed 8-bit weights in tile registers: 16 rows by 16 columns, 64 channels
// deep, an instruction.
#include <immintrin.h>

#include <array>
#include <limits>
#include <type_traits>
#include <utility>

#include "kernels/dot_block.h"
#include "kernels/for_constants.h"
#include "kernels/integer_sums_avx512.h"
#include "kernels/stored_lanes_avx512.h"
#include "kernels/tile_registers.h"

namespace backdrop::kernels {
namespace {

struct D : IntegerSums {
  using Element = std::uint8_t;

  template <int Sums, int Values, int Weights>
  static void multiply() {
    multiply_int8_tiles<Sums, Values, Weights>();
  }
};

#include "kernels/dot_tiles.inl"

}  // namespace

DotBlock dot_block_int8_amx() {
  return {run_tiles, kTileRows, kStrips * kDotLanes, kDotLanes, kPanelBytes};
}

}  // namespace backdrop::kernels
