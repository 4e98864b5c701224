/// \file
/// Weights in the order in which the lanes of a warp take them as fragments of B (kernels/cuda_bottleneck.h).
#pragma once

#include <cstddef>
#include <vector>

namespace backdrop::kernels {

/// From [column][tap][inner bytes] to [tap][32 bytes][16 columns][lane][16 bytes]: columns a multiple of 16,
/// inner bytes of 32. Lane l's words are bytes 4 (l % 4) .. of column l / 4, the same 16 bytes on, and both
/// of column 8 + l / 4 (PTX ISA, "Matrix Fragments for mma.m16n8k..."; the same as ldmatrix.x4 gives).
std::vector<std::byte> pack_fragments(const std::vector<std::byte>& weights, int columns, int taps,
                                      int inner_bytes);

}  // namespace backdrop::kernels
