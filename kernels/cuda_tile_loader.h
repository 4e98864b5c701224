/// \file
/// The copies of a position convolution (cuda_tile.h) to shared memory.
#pragma once

#include "kernels/cuda_tile.h"

namespace backdrop::kernels::tile {

/// One thread's share of the copies to shared memory: with kChunks chunks a stage, chunk thread % kChunks of
/// rows and columns thread / kChunks, thread / kChunks + 256 / kChunks, ... It walks the inner dimension
/// kChunks chunks a step. With no columns it copies rows alone.
template <class Element, int kColumns, class Rows>
class Loader {
 public:
  static constexpr int kChunks = Rows::kChunks;
  static constexpr int kPerChunk = kChunkBytes / static_cast<int>(sizeof(Element));
  static constexpr int kStride = kThreads / kChunks;
  static constexpr int kRowShare = Rows::kRows / kStride;
  static constexpr int kColumnShare = kColumns / kStride;
  static constexpr unsigned kFirstColumn = 1u << 16;
  static constexpr unsigned kFirstStart = 1u << 24;
  static_assert(kRowShare <= 8 && kColumnShare <= 8);

  /// `used[i]` is the i-th window tap that some position of the tile uses, in rising order.
  BACKDROP_HOST_DEVICE Loader(const ConvolutionArguments& a, const Place& place, int thread,
                              const std::uint8_t* used, int used_count)
      : a_(a),
        used_(used),
        used_count_(used_count),
        chunk_(thread % kChunks),
        lane_(thread / kChunks),
        chunks_per_tap_(a.group_channels / kPerChunk),
        first_channel_(place.group * a.group_channels),
        ordinal_(chunk_ / chunks_per_tap_),
        part_(chunk_ % chunks_per_tap_),
        offset_(Rows::offset(lane_, chunk_)) {
    int position = (place.first_row + lane_) / a.rows;
    int row = (place.first_row + lane_) % a.rows;
    int last = -1;
    for (int i = 0; i < kRowShare; ++i) {
      if (position != last) bits_ |= kFirstStart << i;
      last = position;
      const bool exists = position < a.work.positions;
      row_[i] = row;
      cursor_[i] = exists ? a.work.first_tap[position] : 0;
      end_[i] = exists ? a.work.first_tap[position + 1] : 0;
      source_[i] = static_cast<const Element*>(a.weights);
      for (row += kStride; row >= a.rows; row -= a.rows) ++position;
    }
    const std::int64_t column_size = static_cast<std::int64_t>(a.window) * a.group_channels;
    const int column = place.column + lane_;
    weights_ = static_cast<const Element*>(a.weights) + column * column_size;
    column_step_ = static_cast<int>(kStride * column_size);
    for (int i = 0; i < kColumnShare; ++i)
      if (column + i * kStride < place.column_end) bits_ |= kFirstColumn << i;
    find_tap(0);
  }

  BACKDROP_HOST_DEVICE int steps() const { return (used_count_ * chunks_per_tap_ + kChunks - 1) / kChunks; }
  /// Where each tap is whole stages: how many of them a column tile's weights are, and which is the next
  /// step's.
  BACKDROP_HOST_DEVICE int weight_stages(int window) const { return window * (chunks_per_tap_ / kChunks); }
  BACKDROP_HOST_DEVICE int weight_stage() const {
    return weight_ * (chunks_per_tap_ / kChunks) + part_ / kChunks;
  }

  /// Calls copy.start<16>(destination, source, exists) for each chunk of the next step. One that does not
  /// exist is zeros; nothing may be read from its source.
  template <class Copy>
  BACKDROP_HOST_DEVICE void load(unsigned char* stage, const Copy& copy) {
    // Rows a multiple of eight apart have the same order of chunks.
    unsigned char* destination = stage + offset_;
    BACKDROP_UNROLL
    for (int i = 0; i < kRowShare; ++i) {
      copy.template start<kChunkBytes>(destination + i * kStride * Rows::kPitch, source_[i],
                                       (bits_ & 1u << i) != 0);
      source_[i] += kChunks * kPerChunk;
    }
    destination += Rows::kRows * Rows::kPitch;
    const Element* weights = weights_;
    BACKDROP_UNROLL
    for (int i = 0; i < kColumnShare; ++i, weights += column_step_)
      copy.template start<kChunkBytes>(destination + i * kStride * Rows::kPitch, weights,
                                       (bits_ & kFirstColumn << i) != 0);
    weights_ += kChunks * kPerChunk;
    part_ += kChunks;
    if (part_ < chunks_per_tap_) return;
    const int chunk = weight_ * chunks_per_tap_ + part_;
    while (part_ >= chunks_per_tap_) {
      part_ -= chunks_per_tap_;
      ++ordinal_;
    }
    find_tap(chunk);
  }

 private:
  // Points to the rows' and the columns' channels under the current tap; weights_ is at chunk `chunk` of its
  // column. A position's taps are in rising order of weight; one that does not have this tap contributes
  // zeros.
  BACKDROP_HOST_DEVICE void find_tap(int chunk) {
    const bool live = ordinal_ < used_count_;
    bits_ = live ? bits_ & ~(kFirstColumn - 1) : 0;
    if (!live) return;
    weight_ = used_[ordinal_];
    weights_ += (weight_ * chunks_per_tap_ + part_ - chunk) * kPerChunk;
    TapRows<Element> rows;
    BACKDROP_UNROLL
    for (int i = 0; i < kRowShare; ++i) {
      if ((bits_ & kFirstStart << i) != 0) rows = find_rows(cursor_[i], end_[i]);
      if (rows.base == nullptr) continue;
      source_[i] = rows.at(row_[i]);
      bits_ |= 1u << i;
    }
  }

  // The rows of a position's tap of the current weight, from the thread's chunk on; moves the cursor past it.
  // None if it has no such tap.
  BACKDROP_HOST_DEVICE TapRows<Element> find_rows(int& cursor, int end) const {
    while (cursor < end) {
      const Tap tap = load_tap(a_.work.taps + cursor);
      if (tap.weight > weight_) break;
      ++cursor;
      if (tap.weight != weight_) continue;
      TapRows<Element> rows = rows_of<Element>(a_.input, tap);
      rows.base += first_channel_ + part_ * kPerChunk;
      return rows;
    }
    return {};
  }

  const ConvolutionArguments& a_;
  const std::uint8_t* used_;
  int used_count_;
  int chunk_;
  int lane_;
  int chunks_per_tap_;
  int first_channel_;
  int ordinal_;     // of the tap among the used ones
  int part_;        // chunk within the tap
  int weight_ = 0;  // the tap's number in the window
  int offset_;      // of the thread's first chunk in a stage
  // Bit i: whether row i has the current tap; behind them whether there is column i, and whether row i is of
  // another position than the row before. One register for all.
  unsigned bits_ = 0;
  int row_[kRowShare];
  int cursor_[kRowShare];
  int end_[kRowShare];
  const Element*
      source_[kRowShare];   // what is copied next; anything that may be named where nothing is present
  const Element* weights_;  // of the first column, what is copied next
  int column_step_;         // elements from a column to the next one
};

}  // namespace backdrop::kernels::tile
