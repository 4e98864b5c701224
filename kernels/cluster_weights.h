/// \file
/// Weights as the position convolution by clusters takes them (Products::clusters).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace backdrop::kernels {

/// Whether a group's taps, `tap_bytes` for each output channel, fill whole stages.
bool fits_clusters(std::size_t tap_bytes);

/// From [group][column][tap of the window][tap_bytes] to [group][tile of tile::cluster_columns][tap][128
/// bytes of it][column][128 bytes], the last two as they lie in shared memory (tile::Rows128). Columns
/// that a group's last tile has too many are zeros.
std::vector<std::byte> pack_for_clusters(std::span<const std::byte> weights, int groups, int group_columns,
                                         int window, std::size_t tap_bytes);

}  // namespace backdrop::kernels
