/// \file
/// The copies of a position convolution (cuda_tile.h) that reads pixels, the network's input: their four
/// channels of 8 or 16 bits are less than a chunk, so a row of a stage holds the pixels of several taps. A
/// stage is [128 + columns][taps][kPixelChannels], of the taps that the tile's positions use, in rising
/// order.
#pragma once

#include "kernels/cuda_tile.h"
#include "kernels/precision.h"

namespace backdrop::kernels::tile {

/// In 8 and 16 bits no other tap has so few channels.
inline bool reads_pixels(const ConvolutionArguments& a) {
  return a.group_channels == kPixelChannels && a.groups == 1;
}

/// One thread's share of the copies, as Loader's: of every stage tap thread % kTaps, of rows and columns
/// thread / kTaps, thread / kTaps + 256 / kTaps, ... So a tap is looked up once a stage for rows of one
/// position.
template <class Element, int kColumns, class Rows>
class PixelLoader {
 public:
  static constexpr int kPixelBytes = kPixelChannels * static_cast<int>(sizeof(Element));
  static constexpr int kTaps = Rows::kChunks * kChunkBytes / kPixelBytes;
  static constexpr int kStride = kThreads / kTaps;
  static constexpr int kRowShare = kRows / kStride;
  static constexpr int kColumnShare = kColumns / kStride;
  static_assert(kStride % 8 == 0, "rows a multiple of eight apart have the same order of chunks");

  BACKDROP_HOST_DEVICE PixelLoader(const ConvolutionArguments& a, const Place& place, int thread,
                                   const std::uint8_t* used, int used_count)
      : a_(a),
        used_(used),
        used_count_(used_count),
        ordinal_(thread % kTaps),
        lane_(thread / kTaps),
        position_((place.first_row + lane_) / a.rows),
        row_((place.first_row + lane_) % a.rows),
        taps_(taps_of(position_)),
        together_(row_ + (kRowShare - 1) * kStride < a.rows),
        columns_(place.column_end - place.column),
        weights_(static_cast<const Element*>(a.weights) +
                 static_cast<std::int64_t>(place.column) * a.window * kPixelChannels) {
    const int inner = ordinal_ * kPixelBytes;
    offset_ = Rows::offset(lane_, inner / kChunkBytes) + inner % kChunkBytes;
  }

  BACKDROP_HOST_DEVICE int steps() const { return (used_count_ + kTaps - 1) / kTaps; }

  /// Calls copy.start<bytes>(destination, source, exists) for each pixel of the next step. One that does not
  /// exist is zeros; nothing may be read from its source.
  template <class Copy>
  BACKDROP_HOST_DEVICE void load(unsigned char* stage, const Copy& copy) {
    const bool live = ordinal_ < used_count_;
    const int weight = live ? used_[ordinal_] : 0;
    unsigned char* destination = stage + offset_;
    load_rows(destination, live, weight, copy);
    destination += kRows * Rows::kPitch;
    BACKDROP_UNROLL
    for (int i = 0; i < kColumnShare; ++i) {
      const int column = lane_ + i * kStride;
      const bool exists = live && column < columns_;
      copy.template start<kPixelBytes>(destination + i * kStride * Rows::kPitch,
                                       weights_ + (exists ? column * a_.window + weight : 0) * kPixelChannels,
                                       exists);
    }
    ordinal_ += kTaps;
  }

 private:
  struct PositionTaps {
    int first = 0;
    int count = 0;
  };

  BACKDROP_HOST_DEVICE PositionTaps taps_of(int position) const {
    if (position >= a_.work.positions) return {};
    const int first = a_.work.first_tap[position];
    return {first, a_.work.first_tap[position + 1] - first};
  }

  template <class Copy>
  BACKDROP_HOST_DEVICE void load_rows(unsigned char* destination, bool live, int weight,
                                      const Copy& copy) const {
    TapRows<Element> rows;
    bool exists = live && find_rows(taps_, weight, rows);
    if (together_) {
      const Element* base = exists ? rows.base : weights_;
      int block[kRowShare];
      BACKDROP_UNROLL
      for (int i = 0; i < kRowShare; ++i) block[i] = block_of(rows.slots, row_ + i * kStride);
      BACKDROP_UNROLL
      for (int i = 0; i < kRowShare; ++i)
        copy.template start<kPixelBytes>(destination + i * kStride * Rows::kPitch,
                                         base + static_cast<std::int64_t>(block[i]) * rows.stride, exists);
      return;
    }
    int position = position_;
    int row = row_;
    BACKDROP_ROLLED
    for (int i = 0; i < kRowShare; ++i, row += kStride) {
      if (row >= a_.rows) {
        for (; row >= a_.rows; row -= a_.rows) ++position;
        exists = live && find_rows(taps_of(position), weight, rows);
      }
      copy.template start<kPixelBytes>(destination + i * kStride * Rows::kPitch,
                                       exists ? rows.at(row) : weights_, exists);
    }
  }

  // The rows of a position's tap of this weight; false if it has no such tap. A position has some of the used
  // taps in their order: the tap lies at its ordinal, or before that by no more places than taps are absent.
  BACKDROP_HOST_DEVICE bool find_rows(const PositionTaps& taps, int weight, TapRows<Element>& rows) const {
    const int absent = used_count_ - taps.count;
    int low = ordinal_ > absent ? ordinal_ - absent : 0;
    int high = ordinal_ < taps.count ? ordinal_ : taps.count - 1;
    while (low <= high) {
      const int middle = (low + high) / 2;
      const Tap tap = load_tap(a_.work.taps + taps.first + middle);
      if (tap.weight == weight) {
        rows = rows_of<Element>(a_.input, tap);
        return true;
      }
      if (tap.weight < weight)
        low = middle + 1;
      else
        high = middle - 1;
    }
    return false;
  }

  const ConvolutionArguments& a_;
  const std::uint8_t* used_;
  int used_count_;
  int ordinal_;  // of the thread's next tap among the used ones
  int lane_;     // its first row and column in the tile
  int position_;
  int row_;
  PositionTaps taps_;       // of the first row's position
  bool together_;           // whether all of the thread's rows are of that
  int columns_;             // from the tile's first one to the group's end
  const Element* weights_;  // of the tile's first column; also an address that may be named
  int offset_;              // of the thread's first pixel in a stage
};

}  // namespace backdrop::kernels::tile
