/// \file
/// What a convolution over a list is told on the GPU, and how it addresses rows. Plain functions, so that
/// tests on the CPU run them all.
#pragma once

#include <cstdint>

#include "kernels/cuda_int8.h"
#include "kernels/position_work.h"
#include "kernels/products.h"

namespace backdrop::kernels {

/// Where one value's rows are on the device: RowPointers as strides, counted in elements. `slots` maps a row
/// to its block of the background cache; null: row r is block r. The foreground's stride is 0.
struct DeviceRows {
  const void* base[kSources] = {};
  std::int32_t row_stride[kSources] = {};
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
/// The stride fits 32 bits, as places within a block do.
struct DeviceOutput {
  void* base = nullptr;
  std::int64_t row_stride = 0;
  const std::int32_t* slots = nullptr;  ///< as in DeviceRows
  DotOutput kind = DotOutput::stored;   ///< only 8 bits know sums
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
BACKDROP_HOST_DEVICE std::int32_t block_of(const std::int32_t* slots, int row) {
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
  std::int32_t stride = 0;
  const std::int32_t* slots = nullptr;

  BACKDROP_HOST_DEVICE const Element* at(int row) const {
    return base + std::int64_t{block_of(slots, row)} * stride;
  }
};

template <class Element>
BACKDROP_HOST_DEVICE TapRows<Element> rows_of(const DeviceRows& rows, const Tap& tap) {
  // Chosen without indexing: a run-time index would move the kernel's parameters to local memory.
  const bool background = tap.source == Source::background;
  const bool foreground = tap.source == Source::foreground;
  const void* base = background ? rows.base[1] : foreground ? rows.base[2] : rows.base[0];
  const std::int32_t stride = background   ? rows.row_stride[1]
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

/// a * b, neither of them negative: by one instruction, where it takes four with signs.
BACKDROP_HOST_DEVICE std::int64_t wide_product(std::int32_t a, std::int32_t b) {
  return static_cast<std::int64_t>(std::uint64_t{static_cast<std::uint32_t>(a)} *
                                   static_cast<std::uint32_t>(b));
}

BACKDROP_HOST_DEVICE std::int64_t output_offset(const DeviceOutput& output, std::int32_t position_offset,
                                                int row) {
  return position_offset +
         wide_product(block_of(output.slots, row), static_cast<std::int32_t>(output.row_stride));
}

}  // namespace backdrop::kernels
