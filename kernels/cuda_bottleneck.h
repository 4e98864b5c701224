/// \file
/// Bottlenecks of a ResNet in one kernel: 1x1, 3x3 and 1x1 convolutions with the residual, up to three in a
/// chain, everything between them in shared memory. What the kernel is given, and how a block lays it out.
///
/// A block computes side x side positions of one image. Each 3x3 convolution reads one more ring of
/// neighbours, so a chain of n reads a frame of side + 2 n, whose rings are computed by neighbouring blocks
/// too, and every bottleneck leaves a ring less of it. Positions outside the image are what zero padding is.
#pragma once

#include "kernels/cuda_tile.h"
#include "kernels/precision.h"

namespace backdrop::kernels {

inline constexpr int kMostBottlenecks = 3;

/// One convolution of a bottleneck. In 8 bits `scale` and the next are as in Int8Scales.
struct BottleneckConvolution {
  const void* weights = nullptr;  ///< as fragments, see pack_fragments()
  const float* bias = nullptr;
  const float* scale = nullptr;
  const std::int32_t* of_window = nullptr;
  DeviceScale residual;
  DeviceScale output;
  float slope = 1.0f;
};

struct Bottleneck {
  BottleneckConvolution reduce;    ///< 1x1
  BottleneckConvolution spatial;   ///< 3x3, padding 1
  BottleneckConvolution expand;    ///< 1x1, adds the residual
  BottleneckConvolution shortcut;  ///< 1x1 of the input, where has_shortcut; else the residual is the input
  bool has_shortcut = false;       ///< only of the first
};

/// Images [n][height][width][channels]. Channels are multiples of 32 and of 64 bytes.
struct BottleneckArguments {
  const void* input = nullptr;
  void* output = nullptr;
  int images = 0;
  int height = 0;
  int width = 0;
  int in_channels = 0;
  int middle_channels = 0;
  int out_channels = 0;
  int count = 1;  ///< bottlenecks, at most kMostBottlenecks
  int side = 8;   ///< of a block's positions
  Bottleneck bottlenecks[kMostBottlenecks];
};

namespace bottleneck {

inline constexpr int kPieceRows = 32;
inline constexpr int kPieceColumns = 32;
inline constexpr int kStepBytes = 32;       ///< of inner dimension in one product
inline constexpr int kFragmentBytes = 512;  ///< of 16 columns and one step: 16 a lane

/// Positions in shared memory: a square with its first position at (first, first) of the block's frame.
struct Frame {
  int offset = 0;  ///< in bytes
  int first = 0;
  int side = 0;
  int pitch = 0;  ///< from position to position; an odd number of 16 bytes, so that eight are on other banks

  BACKDROP_HOST_DEVICE int at(int y, int x) const {
    return offset + ((y - first) * side + x - first) * pitch;
  }
};

BACKDROP_HOST_DEVICE constexpr int pitch_of(int bytes) {
  return bytes % 32 == 0 ? bytes + 16 : bytes;
}

/// Where everything lies in shared memory.
struct Layout {
  int side = 0;  ///< of the frame
  Frame input;
  Frame reduced;
  Frame spatial;
  Frame output;  ///< the input's own, where there is no shortcut
  int bytes = 0;
};

BACKDROP_HOST_DEVICE Layout layout_of(const BottleneckArguments& a, int element_bytes) {
  Layout layout;
  layout.side = a.side + 2 * a.count;
  const auto place = [&](int first, int channels) {
    Frame frame{layout.bytes, first, layout.side - 2 * first, pitch_of(channels * element_bytes)};
    layout.bytes += frame.side * frame.side * frame.pitch;
    return frame;
  };
  layout.input = place(0, a.in_channels);
  layout.reduced = place(0, a.middle_channels);
  layout.spatial = place(1, a.middle_channels);
  layout.output = a.bottlenecks[0].has_shortcut ? place(1, a.out_channels) : layout.input;
  return layout;
}

/// Whether shapes and precision suit the kernel.
inline bool can_run(Precision precision, const BottleneckArguments& a) {
  if (precision != Precision::int8 && precision != Precision::fp16) return false;
  const auto suits = [](int channels) { return channels > 0 && channels % kPieceColumns == 0; };
  return suits(a.in_channels) && suits(a.middle_channels) && suits(a.out_channels) && a.count >= 1 &&
         a.count <= kMostBottlenecks && a.side >= 1 &&
         (a.bottlenecks[0].has_shortcut || a.in_channels == a.out_channels);
}

/// A warp for about every 32 positions, so that the smaller products give all something to do.
inline int threads_of(const BottleneckArguments& a) {
  const int positions = (a.side + 2 * a.count - 2) * (a.side + 2 * a.count - 2);
  return positions <= 64 ? 128 : positions <= 160 ? 256 : 512;
}

}  // namespace bottleneck
}  // namespace backdrop::kernels
