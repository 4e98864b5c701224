/// \file
/// What each warp of a block does for its bottlenecks (kernels/cuda_bottleneck.h), over a `Machine`: a GPU's
/// warp, or 32 lanes that tests on the CPU run in step.
///
/// A product is a GEMM of the positions of a frame's inner part by output channels. A warp computes pieces of
/// 32 by 32. Weights come in the order of their fragments, straight from memory that all warps share.
#pragma once

#include "kernels/cuda_bottleneck_frame.h"
#include "kernels/cuda_eight.h"

namespace backdrop::kernels::bottleneck {

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

}  // namespace backdrop::kernels::bottleneck
