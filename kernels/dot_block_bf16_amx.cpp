// Products of bfloat16 in tile registers: 16 rows by 16 columns, 32 channels deep, an instruction.
#include <immintrin.h>

#include <array>
#include <limits>
#include <type_traits>
#include <utility>

#include "kernels/dot_block.h"
#include "kernels/float_sums_avx512.h"
#include "kernels/for_constants.h"
#include "kernels/stored_lanes_avx512.h"
#include "kernels/tile_registers.h"

namespace backdrop::kernels {
namespace {

struct D : FloatSums {
  template <int Sums, int Values, int Weights>
  static void multiply() {
    multiply_bf16_tiles<Sums, Values, Weights>();
  }
};

#include "kernels/dot_tiles.inl"

}  // namespace

DotBlock dot_block_bf16_amx() {
  return {run_tiles, kTileRows, kStrips * kDotLanes, kDotLanes, kPanelBytes};
}

}  // namespace backdrop::kernels
