#include "kernels/cluster_weights.h"

#include <cstring>

#include "core/rounding.h"
#include "kernels/cuda_tile.h"

namespace backdrop::kernels {

using Rows = tile::Rows128;

bool fits_clusters(std::size_t tap_bytes) {
  return tap_bytes > 0 && tap_bytes % Rows::kPitch == 0;
}

std::vector<std::byte> pack_for_clusters(std::span<const std::byte> weights, int groups, int group_columns,
                                         int window, std::size_t tap_bytes) {
  const int columns = tile::cluster_columns(group_columns);
  const int tiles = divide_up(group_columns, columns);
  const std::size_t stages = window * (tap_bytes / Rows::kPitch);  // of a tile
  const std::size_t stage_bytes = std::size_t(columns) * Rows::kPitch;
  std::vector<std::byte> packed(groups * tiles * stages * stage_bytes);
  const std::byte* from = weights.data();
  for (int group = 0; group < groups; ++group)
    for (int column = 0; column < group_columns; ++column) {
      const std::size_t tile = std::size_t(group) * tiles + column / columns;
      for (std::size_t stage = 0; stage < stages; ++stage) {
        std::byte* to = packed.data() + (tile * stages + stage) * stage_bytes;
        for (int chunk = 0; chunk < Rows::kChunks; ++chunk, from += tile::kChunkBytes)
          std::memcpy(to + Rows::offset(column % columns, chunk), from, tile::kChunkBytes);
      }
    }
  return packed;
}

}  // namespace backdrop::kernels
