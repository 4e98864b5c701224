/// \file
/// A block's frame of positions (kernels/cuda_bottleneck.h): where it lies in the image, what its elements
/// mean, and how all threads together read and write it.
#pragma once

#include "kernels/cuda_bottleneck.h"

namespace backdrop::kernels::bottleneck {

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

}  // namespace backdrop::kernels::bottleneck
