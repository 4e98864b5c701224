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
        part_(chunk_ % chunks_per_tap_) {
    int position = (place.first_row + lane_) / a.rows;
    int row = (place.first_row + lane_) % a.rows;
    int last = -1;
    for (int i = 0; i < kRowShare; ++i) {
      if (position != last) starts_ |= 1u << i;
      last = position;
      const bool exists = position < a.work.positions;
      row_[i] = row;
      cursor_[i] = exists ? a.work.first_tap[position] : 0;
      end_[i] = exists ? a.work.first_tap[position + 1] : 0;
      source_[i] = nullptr;
      for (row += kStride; row >= a.rows; row -= a.rows) ++position;
    }
    for (int i = 0; i < kColumnShare; ++i) {
      const int n = place.column + lane_ + i * kStride;
      const auto* weights = static_cast<const Element*>(a.weights);
      weights_[i] = n < place.column_end
                        ? weights + static_cast<std::int64_t>(n) * a.window * a.group_channels
                        : nullptr;
    }
    find_tap();
  }

  BACKDROP_HOST_DEVICE int steps() const { return (used_count_ * chunks_per_tap_ + kChunks - 1) / kChunks; }
  /// Where each tap is whole stages: how many of them a column tile's weights are, and which is the next
  /// step's.
  BACKDROP_HOST_DEVICE int weight_stages(int window) const { return window * (chunks_per_tap_ / kChunks); }
  BACKDROP_HOST_DEVICE int weight_stage() const {
    return weight_ * (chunks_per_tap_ / kChunks) + part_ / kChunks;
  }

  /// Calls copy(destination, source) for each chunk of the next step; a null source stands for zeros.
  template <class Copy>
  BACKDROP_HOST_DEVICE void load(unsigned char* stage, const Copy& copy) {
    const bool live = ordinal_ < used_count_;
    const int offset = part_ * kPerChunk;
    // Rows a multiple of eight apart have the same order of chunks.
    unsigned char* destination = stage + Rows::offset(lane_, chunk_);
    for (int i = 0; i < kRowShare; ++i)
      copy(destination + i * kStride * Rows::kPitch,
           live && source_[i] != nullptr ? source_[i] + offset : nullptr);
    destination += Rows::kRows * Rows::kPitch;
    for (int i = 0; i < kColumnShare; ++i)
      copy(destination + i * kStride * Rows::kPitch,
           live && weights_[i] != nullptr ? weights_[i] + weight_ * a_.group_channels + offset : nullptr);
    part_ += kChunks;
    if (part_ < chunks_per_tap_) return;
    while (part_ >= chunks_per_tap_) {
      part_ -= chunks_per_tap_;
      ++ordinal_;
    }
    find_tap();
  }

 private:
  // Points source_ at the rows' channels under the current tap. A position's taps are in rising order of
  // weight; one that does not have this tap contributes zeros.
  BACKDROP_HOST_DEVICE void find_tap() {
    if (ordinal_ >= used_count_) return;
    weight_ = used_[ordinal_];
    TapRows<Element> rows;
    for (int i = 0; i < kRowShare; ++i) {
      if ((starts_ >> i & 1u) != 0) rows = find_rows(cursor_[i], end_[i]);
      source_[i] = rows.base != nullptr ? rows.at(row_[i]) + first_channel_ : nullptr;
    }
  }

  // The rows of a position's tap of the current weight; moves the cursor past it. None if it has no such tap.
  BACKDROP_HOST_DEVICE TapRows<Element> find_rows(int& cursor, int end) const {
    while (cursor < end) {
      const Tap tap = load_tap(a_.work.taps + cursor);
      if (tap.weight > weight_) break;
      ++cursor;
      if (tap.weight == weight_) return rows_of<Element>(a_.input, tap);
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
  int ordinal_;          // of the tap among the used ones
  int part_;             // chunk within the tap
  int weight_ = 0;       // the tap's number in the window
  unsigned starts_ = 0;  // bit i: whether row i is of another position than the row before
  int row_[kRowShare];
  int cursor_[kRowShare];
  int end_[kRowShare];
  const Element* source_[kRowShare];
  const Element* weights_[kColumnShare > 0 ? kColumnShare : 1];
};

}  // namespace backdrop::kernels::tile
