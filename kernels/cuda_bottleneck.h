/// \file
/// Bottlenecks of a ResNet in one kernel: 1x1, 3x3 and 1x1 convolutions with the residual, up to three in a
/// chain, everything between them in shared memory. What each warp does, over a `Machine`: a GPU's warp, or
/// 32 lanes that tests on the CPU run in step.
///
/// A block computes side x side positions of one image. Each 3x3 convolution reads one more ring of
/// neighbours, so a chain of n reads a frame of side + 2 n, whose rings are computed by neighbouring blocks
/// too, and every bottleneck leaves a ring less of it. Positions outside the image are what zero padding is.
///
/// A product is a GEMM of the positions of a frame's inner part by output channels. A warp computes pieces of
/// 32 by 32. Weights come in the order of their fragments, straight from memory that all warps share.
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

/// How 8-bit integers are stored and what their sums mean, as in cuda_tile_int8.h. Zero padding is the zero
/// of the value there, so every position uses the whole window.
struct Int8Arithmetic {
  using Element = std::uint8_t;

  BACKDROP_HOST_DEVICE static float real(const BottleneckConvolution& c, int column, std::int32_t sum) {
    if (c.of_window != nullptr) sum += c.of_window[column];
    return fmaf(static_cast<float>(sum), c.scale[column], c.bias[column]);
  }
  BACKDROP_HOST_DEVICE static float add(const BottleneckConvolution& c, float value, Element residual) {
    return fmaf(static_cast<float>(residual) - c.residual.zero, c.residual.scale, value);
  }
  BACKDROP_HOST_DEVICE static Element stored(const BottleneckConvolution& c, float value) {
    return int8::to_stored(value, c.output);
  }
  BACKDROP_HOST_DEVICE static Element outside(const BottleneckConvolution& c) {
    return static_cast<Element>(c.output.zero);
  }
};

/// The same for floats that `Convert` rounds.
template <class Convert>
struct FloatArithmetic {
  using Element = typename Convert::Element;

  BACKDROP_HOST_DEVICE static float real(const BottleneckConvolution& c, int column, float sum) {
    return sum + c.bias[column];
  }
  BACKDROP_HOST_DEVICE static float add(const BottleneckConvolution&, float value, Element residual) {
    return value + Convert::to_float(residual);
  }
  BACKDROP_HOST_DEVICE static Element stored(const BottleneckConvolution&, float value) {
    return Convert::from_float(value);
  }
  BACKDROP_HOST_DEVICE static Element outside(const BottleneckConvolution&) {
    return Convert::from_float(0.0f);
  }
};

/// Which image and where the frame begins in it.
struct Place {
  int image = 0;
  int y = 0;
  int x = 0;
};

BACKDROP_HOST_DEVICE int blocks_across(const BottleneckArguments& a) {
  return (a.width + a.side - 1) / a.side;
}
BACKDROP_HOST_DEVICE int blocks_down(const BottleneckArguments& a) {
  return (a.height + a.side - 1) / a.side;
}

BACKDROP_HOST_DEVICE Place place_of_block(const BottleneckArguments& a, int block) {
  const int across = blocks_across(a);
  const int down = blocks_down(a);
  return {block / (across * down), block / across % down * a.side - a.count,
          block % across * a.side - a.count};
}

BACKDROP_HOST_DEVICE bool is_inside(const BottleneckArguments& a, const Place& place, int y, int x) {
  return place.y + y >= 0 && place.y + y < a.height && place.x + x >= 0 && place.x + x < a.width;
}

BACKDROP_HOST_DEVICE std::int64_t pixel_of(const BottleneckArguments& a, const Place& place, int y, int x) {
  return (static_cast<std::int64_t>(place.image) * a.height + place.y + y) * a.width + place.x + x;
}

/// The positions of a frame without its outer `ring` rings, row by row.
struct Region {
  int ring = 0;
  int side = 0;

  BACKDROP_HOST_DEVICE int rows() const { return side * side; }
  BACKDROP_HOST_DEVICE int y(int row) const { return ring + row / side; }
  BACKDROP_HOST_DEVICE int x(int row) const { return ring + row % side; }
  BACKDROP_HOST_DEVICE int clamp(int row) const { return row < rows() ? row : rows() - 1; }
};

/// Thread `thread` of `threads` copies its share of the input, 16 bytes a call of copy.start<16>(destination,
/// source, exists), as Loader does.
template <class Copy>
BACKDROP_HOST_DEVICE void load_input(const BottleneckArguments& a, const Layout& layout, const Place& place,
                                     int element_bytes, int thread, int threads, unsigned char* memory,
                                     const Copy& copy) {
  const int bytes = a.in_channels * element_bytes;
  const int chunks = bytes / 16;
  const Region all{0, layout.side};
  for (int i = thread; i < all.rows() * chunks; i += threads) {
    const int row = i / chunks;
    const int byte = i % chunks * 16;
    const int y = all.y(row);
    const int x = all.x(row);
    const unsigned char* from = static_cast<const unsigned char*>(a.input);
    const bool exists = is_inside(a, place, y, x);
    copy.template start<16>(memory + layout.input.at(y, x) + byte,
                            from + (exists ? pixel_of(a, place, y, x) * bytes + byte : 0), exists);
  }
}

/// The same for the finished positions, from shared memory to the output.
template <class Copy>
BACKDROP_HOST_DEVICE void store_output(const BottleneckArguments& a, const Layout& layout, const Place& place,
                                       int element_bytes, int thread, int threads,
                                       const unsigned char* memory, const Copy& copy) {
  const int bytes = a.out_channels * element_bytes;
  const int chunks = bytes / 16;
  const Region done{a.count, a.side};
  for (int i = thread; i < done.rows() * chunks; i += threads) {
    const int row = i / chunks;
    const int byte = i % chunks * 16;
    const int y = done.y(row);
    const int x = done.x(row);
    if (!is_inside(a, place, y, x)) continue;
    copy(static_cast<unsigned char*>(a.output) + pixel_of(a, place, y, x) * bytes + byte,
         memory + layout.output.at(y, x) + byte);
  }
}

/// The work of one warp of one block; `Arithmetic` says how elements are stored, and what a sum means.
template <class Machine, class Arithmetic>
class Warp {
 public:
  using Element = typename Arithmetic::Element;
  using Sum = typename Machine::Sum;

  BACKDROP_HOST_DEVICE Warp(const BottleneckArguments& a, const Layout& layout, const Place& place, int warp,
                            int warps, unsigned char* memory, Machine& machine)
      : a_(a),
        layout_(layout),
        place_(place),
        warp_(warp),
        warps_(warps),
        memory_(memory),
        machine_(machine) {}

  /// The first 1x1 convolution of bottleneck b, for all positions that the 3x3 one reads.
  BACKDROP_HOST_DEVICE void reduce(int b) {
    const BottleneckConvolution& convolution = a_.bottlenecks[b].reduce;
    const Frame& from = b == 0 ? layout_.input : layout_.output;
    const int channels = b == 0 ? a_.in_channels : a_.out_channels;
    const Region region{b, layout_.side - 2 * b};
    for_each_piece(region, a_.middle_channels, [&](int first_row, int first_column) {
      Sums sums = {};
      multiply(sums, convolution, a_.middle_channels, region, first_row, first_column, from, channels, 1);
      machine_.for_each_pair(sums, [&](int row, int column, Sum low, Sum high) {
        if (first_row + row >= region.rows()) return;
        const int y = region.y(first_row + row);
        const int x = region.x(first_row + row);
        Element* to = element(layout_.reduced.at(y, x), first_column + column);
        if (is_inside(a_, place_, y, x)) return finish(convolution, first_column + column, low, high, to);
        const Element outside = Arithmetic::outside(convolution);
        store(to, {outside, outside});
      });
    });
  }

  /// The 3x3 convolution, for all positions but the outermost ring.
  BACKDROP_HOST_DEVICE void convolve(int b) {
    const BottleneckConvolution& convolution = a_.bottlenecks[b].spatial;
    const Region region{b + 1, layout_.side - 2 * (b + 1)};
    for_each_piece(region, a_.middle_channels, [&](int first_row, int first_column) {
      Sums sums = {};
      multiply(sums, convolution, a_.middle_channels, region, first_row, first_column, layout_.reduced,
               a_.middle_channels, 3);
      machine_.for_each_pair(sums, [&](int row, int column, Sum low, Sum high) {
        if (first_row + row >= region.rows()) return;
        const int at = layout_.spatial.at(region.y(first_row + row), region.x(first_row + row));
        finish(convolution, first_column + column, low, high, element(at, first_column + column));
      });
    });
  }

  /// The last 1x1 convolution and the residual, which the results replace. Every element is read and written
  /// by one lane, so that no barrier is needed between.
  BACKDROP_HOST_DEVICE void expand(int b) {
    const Bottleneck& of = a_.bottlenecks[b];
    const Region region{b + 1, layout_.side - 2 * (b + 1)};
    for_each_piece(region, a_.out_channels, [&](int first_row, int first_column) {
      const auto result = [&](int row, int column) {
        return element(layout_.output.at(region.y(first_row + row), region.x(first_row + row)),
                       first_column + column);
      };
      if (of.has_shortcut) {
        Sums sums = {};
        multiply(sums, of.shortcut, a_.out_channels, region, first_row, first_column, layout_.input,
                 a_.in_channels, 1);
        machine_.for_each_pair(sums, [&](int row, int column, Sum low, Sum high) {
          if (first_row + row < region.rows())
            finish(of.shortcut, first_column + column, low, high, result(row, column));
        });
      }
      Sums sums = {};
      multiply(sums, of.expand, a_.out_channels, region, first_row, first_column, layout_.spatial,
               a_.middle_channels, 1);
      machine_.for_each_pair(sums, [&](int row, int column, Sum low, Sum high) {
        if (first_row + row < region.rows())
          finish_with_residual(of.expand, first_column + column, low, high, result(row, column));
      });
    });
  }

 private:
  using Sums = typename Machine::Sums;  // [2][4] products of 16 by 8

  template <class Body>
  BACKDROP_HOST_DEVICE void for_each_piece(const Region& region, int columns, const Body& body) const {
    const int across = columns / kPieceColumns;
    const int pieces = (region.rows() + kPieceRows - 1) / kPieceRows * across;
    for (int piece = warp_; piece < pieces; piece += warps_)
      body(piece / across * kPieceRows, piece % across * kPieceColumns);
  }

  // sums += the window's positions of 32 rows times the weights of 32 of the columns.
  BACKDROP_HOST_DEVICE void multiply(Sums& sums, const BottleneckConvolution& convolution, int columns,
                                     const Region& region, int first_row, int first_column, const Frame& from,
                                     int channels, int window) {
    const int steps = channels * static_cast<int>(sizeof(Element)) / kStepBytes;
    const auto* weights =
        static_cast<const unsigned char*>(convolution.weights) + first_column / 16 * kFragmentBytes;
    for (int tap = 0; tap < window * window; ++tap) {
      const int dy = tap / window - window / 2;
      const int dx = tap % window - window / 2;
      machine_.begin_rows([&](int row) {
        const int r = region.clamp(first_row + row);
        return memory_ + from.at(region.y(r) + dy, region.x(r) + dx);
      });
      for (int step = 0; step < steps; ++step) {
        machine_.accumulate(sums, step * kStepBytes, weights);
        weights += columns / 16 * kFragmentBytes;
      }
    }
  }

  struct alignas(2 * sizeof(Element)) Pair {
    Element low;
    Element high;
  };
  BACKDROP_HOST_DEVICE static void store(Element* to, const Pair& pair) {
    *reinterpret_cast<Pair*>(to) = pair;
  }

  // Two columns of a row on their way out.
  BACKDROP_HOST_DEVICE static void finish(const BottleneckConvolution& c, int column, Sum low, Sum high,
                                          Element* to) {
    const float first = activate_on_device(Arithmetic::real(c, column, low), c.slope);
    const float second = activate_on_device(Arithmetic::real(c, column + 1, high), c.slope);
    store(to, {Arithmetic::stored(c, first), Arithmetic::stored(c, second)});
  }
  // The same with what is there as residual.
  BACKDROP_HOST_DEVICE static void finish_with_residual(const BottleneckConvolution& c, int column, Sum low,
                                                        Sum high, Element* to) {
    const Pair residual = *reinterpret_cast<const Pair*>(to);
    const float first = Arithmetic::add(c, Arithmetic::real(c, column, low), residual.low);
    const float second = Arithmetic::add(c, Arithmetic::real(c, column + 1, high), residual.high);
    store(to, {Arithmetic::stored(c, activate_on_device(first, c.slope)),
               Arithmetic::stored(c, activate_on_device(second, c.slope))});
  }

  BACKDROP_HOST_DEVICE Element* element(int position, int channel) const {
    return reinterpret_cast<Element*>(memory_ + position) + channel;
  }

  const BottleneckArguments& a_;
  const Layout& layout_;
  const Place& place_;
  int warp_;
  int warps_;
  unsigned char* memory_;
  Machine& machine_;
};

}  // namespace bottleneck
}  // namespace backdrop::kernels
