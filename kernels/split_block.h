/// \file
/// Products of fp32 on tile registers that multiply bfloat16.
///
/// A float has 24 bits and is the sum of three bfloat16, of 8 bits each. Of the nine products of two floats'
/// terms the six largest are made and summed in fp32; those left out are below 2^-22 of the product, as what
/// fp32 rounds away is (G. Henry, P. T. P. Tang, A. Heinecke: Leveraging the bfloat16 Artificial Intelligence
/// Datatype For Higher-Precision Computations, ARITH 2019). Values below 2^-110 may count as zeros.
///
/// Rows by 32 channels of values, and 32 channels by columns of weights, are "tiles" of their terms.
#pragma once

#include <cstddef>

namespace backdrop::kernels {

inline constexpr int kSplitTerms = 3;
inline constexpr int kSplitProducts = 6;
inline constexpr int kSplitRows = 16;                  ///< of a tile of values
inline constexpr int kSplitChannels = 32;              ///< of a tile
inline constexpr int kSplitColumns = 16;               ///< of a tile of weights: a strip
inline constexpr int kSplitPanelColumns = 64;          ///< of a panel: four strips
inline constexpr int kSplitTogether = 2 * kSplitRows;  ///< rows that are multiplied together
/// Values are [term][16 rows][32 channels], weights [term][16 pairs of channels][16 columns][2].
inline constexpr std::size_t kSplitTileBytes = std::size_t{kSplitTerms} * kSplitRows * kSplitChannels * 2;

/// What becomes of a row's sums: activation(sum + start + residual).
struct SplitRow {
  const float* start = nullptr;     ///< [output channels]
  const float* residual = nullptr;  ///< [output channels]; null: none
  float* output = nullptr;          ///< [output channels]
};

/// Rows by a panel of columns.
struct SplitProduct {
  const std::byte* values = nullptr;  ///< [row tiles][depth] tiles
  const std::byte* panel = nullptr;   ///< the first tile of its first strip
  int depth = 0;                      ///< tiles of each strip that are multiplied
  int strip_tiles = 0;                ///< from one strip to the next
  int first_column = 0;               ///< of the panel
  int columns = 0;                    ///< of the panel, 1..kSplitPanelColumns
  float slope = 1.0f;
  float* sums = nullptr;           ///< of the first kSplitTogether rows, from the panel's first column on
  std::ptrdiff_t row_floats = 0;   ///< from one row of sums to the next
  std::ptrdiff_t step_floats = 0;  ///< from kSplitTogether rows to the next; 0: these are overwritten
  bool add = false;                ///< to the sums that are there
};

struct SplitBlock {
  /// Writes the tiles of `count` rows (1..16) of `channels` floats: [channels / 32]. Other rows of the tiles
  /// are left as they are. As many rows at `ahead` are brought into L2 along the way.
  void (*split)(const float* const* rows, const float* const* ahead, int count, int channels,
                std::byte* tiles);
  /// The sums of `count` rows, and their outputs unless `rows` is null.
  void (*multiply)(const SplitProduct& product, int count, const SplitRow* rows);
};

SplitBlock split_block_amx();

}  // namespace backdrop::kernels
