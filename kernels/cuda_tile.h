/// \file
/// The arithmetic of the GPU's position convolution, apart from the instructions that only a GPU has: which
/// thread copies, multiplies and writes what. Plain functions of the thread's number, so that tests on the
/// CPU run them all.
///
/// The product is a GEMM. Row m is background m % rows of position m / rows; column n an output channel; the
/// inner dimension runs over the taps that the tile's positions use, and each tap's channels, in chunks of 16
/// bytes. A block of 256 threads computes 128 rows by 64 or 128 columns. Each step copies some chunks of
/// every row and column to shared memory, a stage, whose layout is Rows64' or Rows128'.
///
/// Weights are [column][tap of the window][channel of the group], bias fp32.
#pragma once

#include <cstdint>

#include "kernels/cuda_int8.h"
#include "kernels/position_work.h"

namespace backdrop::kernels {

/// Where one value's rows are on the device: RowPointers as strides, counted in elements. `slots` maps a row
/// to its block of the background cache; null: row r is block r. The foreground's stride is 0.
struct DeviceRows {
  const void* base[kSources] = {};
  std::int64_t row_stride[kSources] = {};
  const std::int32_t* slots = nullptr;
};

/// A PositionWork in device memory.
struct DeviceWork {
  const std::int32_t* output = nullptr;
  const std::int32_t* first_tap = nullptr;
  const Tap* taps = nullptr;
  const std::int32_t* start = nullptr;
  const Tap* residual = nullptr;
  int positions = 0;
};

/// Where a layer writes: row r of position p at base + work.output[p] + block(r) * row_stride, in elements.
struct DeviceOutput {
  void* base = nullptr;
  std::int64_t row_stride = 0;
  const std::int32_t* slots = nullptr;  ///< as in DeviceRows
  DotOutput kind = DotOutput::stored;   ///< only 8 bits know sums
};

/// By which instructions a block multiplies.
enum class Products : std::uint8_t {
  warps,       ///< mma.sync, in fp32 plain multiply-adds
  warpgroups,  ///< wgmma, where has_warpgroup_products
  clusters,    ///< wgmma with twice as large tiles, whose weights two blocks copy for each other
};

/// One convolution over a list. Channel counts are multiples of 16 bytes or kPixelChannels without groups,
/// output channels of 8.
struct ConvolutionArguments {
  DeviceWork work;
  int rows = 0;            ///< backgrounds of each position
  int groups = 1;          ///< of channels
  int group_channels = 0;  ///< input channels of a group
  int group_columns = 0;   ///< output channels of a group
  int group_tiles = 0;     ///< column tiles of a group; the launcher sets it
  int window = 1;          ///< taps of the whole window, at most tile::kMaxWindow
  float slope = 1.0f;
  DeviceRows input;
  DeviceRows residual;
  const void* weights = nullptr;  ///< for clusters by pack_for_clusters
  const float* bias = nullptr;
  const void* starts = nullptr;  ///< fp32 with the bias, or the sums of 8-bit products
  int start_stride = 0;
  DeviceOutput output;
  ConvolutionScales scales;  ///< of 8-bit products
  Products products = Products::warps;
};

/// The block of row `row`. No kernel writes slots while this one runs.
BACKDROP_HOST_DEVICE std::int64_t block_of(const std::int32_t* slots, int row) {
  if (slots == nullptr) return row;
#if defined(__CUDA_ARCH__)
  return __ldg(slots + row);
#else
  return slots[row];
#endif
}

/// The rows of one tap.
template <class Element>
struct TapRows {
  const Element* base = nullptr;
  std::int64_t stride = 0;
  const std::int32_t* slots = nullptr;

  BACKDROP_HOST_DEVICE const Element* at(int row) const { return base + block_of(slots, row) * stride; }
};

template <class Element>
BACKDROP_HOST_DEVICE TapRows<Element> rows_of(const DeviceRows& rows, const Tap& tap) {
  // Chosen without indexing: a run-time index would move the kernel's parameters to local memory.
  const bool background = tap.source == Source::background;
  const bool foreground = tap.source == Source::foreground;
  const void* base = background ? rows.base[1] : foreground ? rows.base[2] : rows.base[0];
  const std::int64_t stride = background   ? rows.row_stride[1]
                              : foreground ? rows.row_stride[2]
                                           : rows.row_stride[0];
  return {static_cast<const Element*>(base) + tap.offset, stride, background ? rows.slots : nullptr};
}

/// The address of row `row` of a tap.
template <class Element>
BACKDROP_HOST_DEVICE const Element* row_address(const DeviceRows& rows, const Tap& tap, int row) {
  return rows_of<Element>(rows, tap).at(row);
}

/// A tap in one access.
BACKDROP_HOST_DEVICE Tap load_tap(const Tap* from) {
#if defined(__CUDA_ARCH__)
  const int2 words = __ldg(reinterpret_cast<const int2*>(from));
  return {words.x, static_cast<std::int16_t>(words.y), static_cast<Source>(words.y >> 16)};
#else
  return *from;
#endif
}

BACKDROP_HOST_DEVICE std::int64_t output_offset(const DeviceOutput& output, std::int32_t position_offset,
                                                int row) {
  return position_offset + block_of(output.slots, row) * output.row_stride;
}

/// `slope`: of negative values, from 0 to 1.
BACKDROP_HOST_DEVICE float activate_on_device(float value, float slope) {
  return fmaxf(value, slope * value);
}

/// Four neighbours in one access.
template <class T>
struct alignas(16) Four {
  T values[4];
};

/// From an address that is a multiple of 16 bytes.
template <class T>
BACKDROP_HOST_DEVICE void load_four(const T* from, T* to) {
  const Four<T> four = *reinterpret_cast<const Four<T>*>(from);
  BACKDROP_UNROLL
  for (int k = 0; k < 4; ++k) to[k] = four.values[k];
}

template <class T>
BACKDROP_HOST_DEVICE void load_eight(const T* from, T* to) {
  load_four(from, to);
  load_four(from + 4, to + 4);
}

template <class T>
BACKDROP_HOST_DEVICE void store_eight(T* to, const T* from) {
  BACKDROP_UNROLL
  for (int i = 0; i < 2; ++i) {
    Four<T> four;
    BACKDROP_UNROLL
    for (int k = 0; k < 4; ++k) four.values[k] = from[4 * i + k];
    reinterpret_cast<Four<T>*>(to)[i] = four;
  }
}

namespace tile {

inline constexpr int kThreads = 256;
inline constexpr int kRows = 128;
inline constexpr int kChunkBytes = 16;
inline constexpr int kMaxWindow = 128;  ///< AlexNet's 11 x 11 fits
inline constexpr int kMaskWords = kMaxWindow / 32;
inline constexpr int kPieceColumns = 8;  ///< columns that a thread finishes at once

/// A stage as rows, and columns behind them, of some chunks each. The chunks of a row change places by its
/// number, so that those which eight threads copy, and one chunk of eight rows, are on different banks.
template <int kRowChunks>
struct SwizzledRows {
  static constexpr int kRows = tile::kRows;
  static constexpr int kChunks = kRowChunks;
  static constexpr int kPitch = kChunks * kChunkBytes;

  BACKDROP_HOST_DEVICE static int offset(int row, int chunk) {
    return row * kPitch + (chunk ^ row * kChunks / 8 % kChunks) * kChunkBytes;
  }
  /// Of row `first + row`, where `first` is a multiple of eight.
  BACKDROP_HOST_DEVICE static int offset(int first, int row, int chunk) {
    return first * kPitch + offset(row, chunk);
  }
};

/// Stages for mma.sync and plain products.
struct Rows64 : SwizzledRows<4> {
  static constexpr int kStages = 4;
  static constexpr int kAlignment = kChunkBytes;  ///< of a stage
};

/// As wgmma reads them with "128-byte swizzling" (PTX ISA, "Asynchronous Warpgroup Level Matrix Shared Memory
/// Layout"): bits 4 to 6 of the address by bits 7 to 9.
struct Rows128 : SwizzledRows<8> {
  static constexpr int kStages = 3;
  static constexpr int kAlignment = 8 * kPitch;
};

/// A block of a cluster: 256 columns by 128 rows, or 128 or 64 by twice as many. A stage's weights are copied
/// as they lie in shared memory, one half by each of the two blocks.
template <int kTileColumns>
struct ClusterTile : Rows128 {
  static constexpr int kStages = 4;
  static constexpr int kBlocks = 2;  ///< of a cluster
  static constexpr int kColumns = kTileColumns;
  static constexpr int kRowTiles = kColumns == 256 ? 1 : 2;
  static constexpr int kRows = kRowTiles * tile::kRows;
  static constexpr int kWeightBytes = kColumns * kPitch;
  static constexpr int kShareBytes = kWeightBytes / kBlocks;
};

/// Columns of a block of a cluster.
BACKDROP_HOST_DEVICE constexpr int cluster_columns(int group_columns) {
  return group_columns > 128 ? 256 : group_columns > 64 ? 128 : 64;
}

template <class Rows>
BACKDROP_HOST_DEVICE constexpr int stage_bytes(int columns) {
  return (Rows::kRows + columns) * Rows::kPitch;
}

/// Where the finished sums lie, in floats. The two halves of eight columns are apart, so that threads which
/// write or read neighbours are on different banks.
BACKDROP_HOST_DEVICE constexpr int result_pitch(int columns) {
  return columns + 8;
}
BACKDROP_HOST_DEVICE constexpr int result_half(int columns) {
  return columns / 2 + 4;
}
BACKDROP_HOST_DEVICE constexpr int result_place(int columns, int row, int column) {
  return row * result_pitch(columns) + column / 8 * 4 + column / 4 % 2 * result_half(columns) + column % 4;
}

/// Of stages or sums, the larger, and what aligning the first stage may take.
template <class Rows>
BACKDROP_HOST_DEVICE constexpr int shared_bytes(int columns) {
  const int stages = Rows::kStages * stage_bytes<Rows>(columns);
  const int result = Rows::kRows * result_pitch(columns) * 4;
  return (stages > result ? stages : result) + Rows::kAlignment - kChunkBytes;
}

/// What a block computes.
struct Place {
  int first_row = 0;
  int group = 0;
  int column = 0;
  int column_end = 0;  ///< of the group
};

BACKDROP_HOST_DEVICE Place place_of_block(const ConvolutionArguments& a, int block, int columns) {
  const int tiles = a.groups * a.group_tiles;
  const int column_tile = block % tiles;
  const int group = column_tile / a.group_tiles;
  return {block / tiles * kRows, group, group * a.group_columns + column_tile % a.group_tiles * columns,
          (group + 1) * a.group_columns};
}

/// A cluster's blocks compute the same columns of neighbouring tiles of rows; the last one's may be none.
template <class Tile>
BACKDROP_HOST_DEVICE Place place_in_cluster(const ConvolutionArguments& a, int block) {
  Place place = place_of_block(a, block / Tile::kBlocks, Tile::kColumns);
  place.first_row = place.first_row * Tile::kRowTiles * Tile::kBlocks + block % Tile::kBlocks * Tile::kRows;
  return place;
}

/// The taps of all positions of some rows: they are neighbours in the list.
struct TapRange {
  int first = 0;
  int last = 0;  ///< one past
};

BACKDROP_HOST_DEVICE TapRange taps_of_rows(const ConvolutionArguments& a, int first_row, int rows) {
  const int last_row = first_row + rows - 1;
  const int last = last_row / a.rows < a.work.positions - 1 ? last_row / a.rows : a.work.positions - 1;
  return {a.work.first_tap[first_row / a.rows], a.work.first_tap[last + 1]};
}

BACKDROP_HOST_DEVICE int count_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __popc(bits);
#else
  return __builtin_popcount(bits);
#endif
}

BACKDROP_HOST_DEVICE bool uses(const std::uint32_t* bits, int weight) {
  return (bits[weight / 32] >> (weight % 32) & 1u) != 0;
}

/// How many taps below `weight` are used; with kMaxWindow: how many at all.
BACKDROP_HOST_DEVICE int rank_of(const std::uint32_t* bits, int weight) {
  int rank = 0;
  for (int word = 0; word < kMaskWords; ++word) {
    const int below = weight - 32 * word;
    if (below >= 32) rank += count_bits(bits[word]);
    if (below > 0 && below < 32) rank += count_bits(bits[word] & ((1u << below) - 1u));
  }
  return rank;
}

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

/// fp32 products. A thread computes rows ty + 16 i and columns tx + 16 j of a tile of 64 columns.
struct ScalarMath {
  using Rows = Rows64;
  static constexpr int kColumns = 64;
  static constexpr int kSide = 16;
  static constexpr int kRowCount = kRows / kSide;
  static constexpr int kColumnCount = kColumns / kSide;
  float sums[kRowCount][kColumnCount] = {};

  BACKDROP_HOST_DEVICE void accumulate(const unsigned char* stage, int thread) {
    const int row = thread / kSide;
    const int column = thread % kSide;
    BACKDROP_UNROLL
    for (int chunk = 0; chunk < Rows::kChunks; ++chunk) {
      Four<float> right[kColumnCount];
      BACKDROP_UNROLL
      for (int j = 0; j < kColumnCount; ++j)
        right[j] =
            *reinterpret_cast<const Four<float>*>(stage + Rows::offset(kRows + j * kSide, column, chunk));
      BACKDROP_UNROLL
      for (int i = 0; i < kRowCount; ++i) {
        const Four<float> left =
            *reinterpret_cast<const Four<float>*>(stage + Rows::offset(i * kSide, row, chunk));
        BACKDROP_UNROLL
        for (int j = 0; j < kColumnCount; ++j) BACKDROP_UNROLL
        for (int k = 0; k < 4; ++k) sums[i][j] += left.values[k] * right[j].values[k];
      }
    }
  }

  BACKDROP_HOST_DEVICE void write(float* result, int thread) const {
    BACKDROP_UNROLL
    for (int i = 0; i < kRowCount; ++i) BACKDROP_UNROLL
    for (int j = 0; j < kColumnCount; ++j)
      result[result_place(kColumns, thread / kSide + i * kSide, thread % kSide + j * kSide)] = sums[i][j];
  }
};

/// How the eight warps share a tile on tensor cores: each computes 32 columns, as m16n8 products.
template <int kColumns>
struct WarpShare {
  static constexpr int kWarpColumns = 32;
  static constexpr int kAcross = kColumns / kWarpColumns;
  static constexpr int kWarpRows = kRows * kAcross / (kThreads / 32);
  static constexpr int kRowTiles = kWarpRows / 16;
  static constexpr int kColumnTiles = kWarpColumns / 8;
  static constexpr int kSteps = 2;  ///< products of 32 bytes of inner dimension in the 64 of a stage

  BACKDROP_HOST_DEVICE static int first_row(int warp) { return warp / kAcross * kWarpRows; }
  BACKDROP_HOST_DEVICE static int first_column(int warp) { return warp % kAcross * kWarpColumns; }

  /// The 16 bytes whose address lane `lane` gives to ldmatrix.x4 for 16 rows of A: its four 8 x 16-byte
  /// blocks are rows 0-7 and 8-15 of the first 16 bytes, then of the second.
  BACKDROP_HOST_DEVICE static int left_offset(int row, int step, int lane) {
    return Rows64::offset(row + lane / 8 % 2 * 8, lane % 8, 2 * step + lane / 16);
  }
  /// The same for 16 columns of B: columns 0-7 in both halves of 16 bytes, then columns 8-15.
  BACKDROP_HOST_DEVICE static int right_offset(int column, int step, int lane) {
    return Rows64::offset(kRows + column + lane / 16 * 8, lane % 8, 2 * step + lane / 8 % 2);
  }
  /// Where register `index` (0..3) of an m16n8 product at (row, column) goes in the tile's sums. The products
  /// of a warpgroup lie in the same way (PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk..."): warp w
  /// of the block has rows 16 w to 16 w + 15, its registers 4 j to 4 j + 3 columns 8 j to 8 j + 7.
  BACKDROP_HOST_DEVICE static int result_offset(int row, int column, int index, int lane) {
    return (row + lane / 4 + index / 2 * 8) * result_pitch(kColumns) + column / 2 +
           result_place(kColumns, 0, lane % 4 * 2) + index % 2;
  }
};

/// Where a warpgroup's products read a swizzled stage. wgmma multiplies 64 rows by all columns over 32 bytes
/// of inner dimension; descriptors name the place in shared memory of eight rows' chunks, and how far the
/// next eight are (PTX ISA, "Matrix Descriptor Format").
struct WarpgroupShare {
  static constexpr int kThreads = 128;
  static constexpr int kRows = 64;
  static constexpr int kSteps = 4;  ///< products in the 128 bytes of a stage

  BACKDROP_HOST_DEVICE static int left_offset(int warpgroup, int step) {
    return warpgroup * kRows * Rows128::kPitch + step * 2 * kChunkBytes;
  }
  BACKDROP_HOST_DEVICE static int right_offset(int step) {
    return tile::kRows * Rows128::kPitch + step * 2 * kChunkBytes;
  }
  /// `address`: in shared memory. The leading dimension's offset has no meaning here.
  BACKDROP_HOST_DEVICE static std::uint64_t descriptor(std::uint32_t address) {
    constexpr std::uint64_t kLeading = 1;
    constexpr std::uint64_t kStride = Rows128::kAlignment / 16;
    constexpr std::uint64_t kSwizzle = 1;  // by 128 bytes
    return (address & 0x3ffffu) >> 4 | kLeading << 16 | kStride << 32 | kSwizzle << 62;
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
  /// Steps from row to row: dividing for each would take longer than finishing it.
  BACKDROP_HOST_DEVICE void next() {
    tile_row_ += kStep;
    result_ += kStep * result_pitch(kColumns);
    for (row_ += kStep; row_ >= a_.rows; row_ -= a_.rows) ++position_;
  }

  BACKDROP_HOST_DEVICE int position() const { return position_; }
  BACKDROP_HOST_DEVICE int row() const { return row_; }
  BACKDROP_HOST_DEVICE int column() const { return column_; }  ///< of all output channels
  BACKDROP_HOST_DEVICE int result() const { return result_; }  ///< where its sums are

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

/// What the rows of one position share when they end.
template <class Element>
struct PositionEnd {
  int start = -1;  ///< row of the start sums, or -1
  TapRows<Element> residual;
  std::int32_t output = 0;  ///< of the columns, for output_offset

  BACKDROP_HOST_DEVICE PositionEnd(const ConvolutionArguments& a, int position, int column) {
    if (a.work.start != nullptr) start = a.work.start[position];
    if (a.work.residual != nullptr) {
      residual = rows_of<Element>(a.residual, load_tap(a.work.residual + position));
      residual.base += column;
    }
    output = a.work.output[position] + column;
  }
};

/// Where row `start` of the start sums has these columns.
template <class Sum>
BACKDROP_HOST_DEVICE const Sum* start_sums(const ConvolutionArguments& a, int start, int column) {
  return static_cast<const Sum*>(a.starts) + static_cast<std::int64_t>(start) * a.start_stride + column;
}

/// A thread's pieces, from `piece` on: once for each position `begin(end, position, added)` says in `added`
/// what comes to the sums of its rows; then `finish(end, row, offset, sums)` for each of them, `offset` that
/// of the output.
template <class Element, int kColumns, class Sum, class Begin, class Finish>
BACKDROP_HOST_DEVICE void finish_each(const ConvolutionArguments& a, Pieces<kColumns> piece,
                                      const Sum* result, const Begin& begin, const Finish& finish) {
  while (piece.exists()) {
    const int position = piece.position();
    const PositionEnd<Element> end(a, position, piece.column());
    Sum added[kPieceColumns] = {};
    begin(end, position, added);
    for (; piece.exists() && piece.position() == position; piece.next()) {
      Sum sums[kPieceColumns];
      load_four(result + piece.result(), sums);
      load_four(result + piece.result() + result_half(kColumns), sums + kPieceColumns / 2);
      BACKDROP_UNROLL
      for (int k = 0; k < kPieceColumns; ++k) sums[k] += added[k];
      finish(end, piece.row(), output_offset(a.output, end.output, piece.row()), sums);
    }
  }
}

/// Adds bias or start sums and residual, activates, and writes a thread's pieces. `Traits` loads and stores
/// eight elements as floats.
template <class Traits, int kColumns>
BACKDROP_HOST_DEVICE void finish_pieces(const ConvolutionArguments& a, const Place& place,
                                        const float* result, int thread) {
  using Element = typename Traits::Element;
  using End = PositionEnd<Element>;
  const Pieces<kColumns> first(a, place, thread);
  const int column = first.column();
  finish_each<Element>(
      a, first, result,
      [&](const End& end, int, float* added) {
        load_eight(end.start < 0 ? a.bias + column : start_sums<float>(a, end.start, column), added);
      },
      [&](const End& end, int row, std::int64_t offset, float* sums) {
        if (end.residual.base != nullptr) {
          float residual[kPieceColumns];
          Traits::load(end.residual.at(row), residual);
          BACKDROP_UNROLL
          for (int k = 0; k < kPieceColumns; ++k) sums[k] += residual[k];
        }
        BACKDROP_UNROLL
        for (int k = 0; k < kPieceColumns; ++k) sums[k] = activate_on_device(sums[k], a.slope);
        if (a.output.kind == DotOutput::stored)
          Traits::store(static_cast<Element*>(a.output.base) + offset, sums);
        else
          store_eight(static_cast<float*>(a.output.base) + offset, sums);
      });
}

}  // namespace tile
}  // namespace backdrop::kernels
