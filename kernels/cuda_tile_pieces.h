/// \file
/// The pieces of a tile (cuda_tile.h) that a thread finishes, eight columns of a row each.
#pragma once

#include <cstring>

#include "kernels/cuda_tile.h"

namespace backdrop::kernels::tile {

/// Stored values of one piece, as words: as bytes the compiler would take them apart and put them together.
template <class Element>
struct alignas(kPieceColumns * sizeof(Element) < 16 ? kPieceColumns * sizeof(Element) : 16) StoredPiece {
  std::uint32_t words[kPieceColumns * sizeof(Element) / sizeof(std::uint32_t)];

  /// In one or two accesses.
  BACKDROP_HOST_DEVICE void load(const Element* from) {
#if defined(__CUDA_ARCH__)
    *this = *reinterpret_cast<const StoredPiece*>(from);
#else
    memcpy(words, from, sizeof(words));
#endif
  }
  BACKDROP_HOST_DEVICE void copy(Element* values) const {
    memcpy(values, words, sizeof(words));
  }
};

/// The pieces that one thread finishes, one after the other: the same eight columns of some rows of a tile.
template <int kColumns>
class Pieces {
 public:
  BACKDROP_HOST_DEVICE Pieces(const ConvolutionArguments& a, const Place& place, int thread)
      : a_(a), tile_row_(thread / kAcross), column_(place.column + thread % kAcross * kPieceColumns) {
    result_ = tile_row_ * result_pitch(kColumns) + thread % kAcross * (kPieceColumns / 2);
    position_ = (place.first_row + tile_row_) / a.rows;
    row_ = (place.first_row + tile_row_) % a.rows;
    has_columns_ = column_ < place.column_end;
  }

  BACKDROP_HOST_DEVICE bool exists() const {
    return has_columns_ && tile_row_ < kRows && position_ < a_.work.positions;
  }
  /// Whether the piece `index` further is there, and of the same position.
  BACKDROP_HOST_DEVICE bool continues(int index) const {
    return tile_row_ + index * kStep < kRows && row_ + index * kStep < a_.rows;
  }
  /// Steps over `count` pieces: dividing for each would take longer than finishing it.
  BACKDROP_HOST_DEVICE void advance(int count) {
    tile_row_ += count * kStep;
    result_ += count * kStep * result_pitch(kColumns);
    for (row_ += count * kStep; row_ >= a_.rows; row_ -= a_.rows) ++position_;
  }

  BACKDROP_HOST_DEVICE int position() const { return position_; }
  BACKDROP_HOST_DEVICE int column() const { return column_; }  ///< of all output channels
  BACKDROP_HOST_DEVICE int row(int index) const { return row_ + index * kStep; }
  /// Where its sums are.
  BACKDROP_HOST_DEVICE int result(int index) const {
    return result_ + index * kStep * result_pitch(kColumns);
  }

 private:
  static constexpr int kAcross = kColumns / kPieceColumns;
  static constexpr int kStep = kThreads / kAcross;

  const ConvolutionArguments& a_;
  int tile_row_;
  int column_;
  int result_;
  int position_;
  int row_;
  bool has_columns_;
};

}  // namespace backdrop::kernels::tile
