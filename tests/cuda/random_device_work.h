/// \file
/// Random lists over values in the three kinds of storage, for the kernels and for the plain loops.
#pragma once

#include <algorithm>
#include <numeric>

#include "kernels/cuda_tile.h"
#include "kernels/position_convolution.h"
#include "kernels/precision.h"
#include "tests/kernels/random_values.h"

namespace backdrop::test {

using kernels::Source;
using kernels::Tap;

inline constexpr int kBlocks = 20;

/// One value: kBlocks positions of `channels` elements for each row and kind, elements as `Traits` stores
/// them and as the floats that these are.
template <class Traits>
struct RandomValue {
  static constexpr int kSpareSlots = 3;

  std::vector<typename Traits::Element> stored[kernels::kSources];
  std::vector<float> floats[kernels::kSources];
  std::int32_t stride[kernels::kSources] = {};
  std::vector<std::int32_t> slots;

  RandomValue(int channels, int rows, std::mt19937& generator) : slots(rows + kSpareSlots) {
    std::iota(slots.begin(), slots.end(), 0);
    std::shuffle(slots.begin(), slots.end(), generator);
    stride[0] = stride[1] = kBlocks * channels;
    for (int source = 0; source < kernels::kSources; ++source) {
      const int blocks = source == static_cast<int>(Source::foreground) ? 1 : rows + kSpareSlots;
      for (const float value : random_values(std::size_t(blocks) * kBlocks * channels, generator)) {
        stored[source].push_back(Traits::from_float(value));
        floats[source].push_back(Traits::to_float(stored[source].back()));
      }
    }
  }

  kernels::DeviceRows rows() const {
    kernels::DeviceRows result;
    for (int source = 0; source < kernels::kSources; ++source) {
      result.base[source] = stored[source].data();
      result.row_stride[source] = stride[source];
    }
    result.slots = slots.data();
    return result;
  }

  /// Row pointers of `count` rows from `first` on: to the floats, and to what is stored.
  kernels::RowPointers pointers(int first, int count) const { return pointers_to(floats, first, count); }
  kernels::RowPointers stored_pointers(int first, int count) const {
    return pointers_to(stored, first, count);
  }

 private:
  template <class Store>
  kernels::RowPointers pointers_to(const Store& store, int first, int count) const {
    kernels::RowPointers result;
    for (int r = 0; r < count; ++r) {
      result.rows[0][r] = store[0].data() + (first + r) * stride[0];
      result.rows[1][r] = store[1].data() + slots[first + r] * stride[1];
      result.rows[2][r] = store[2].data();
    }
    return result;
  }
};

/// One convolution over a random list.
struct DeviceCase {
  kernels::ConvolutionShape shape;
  int positions = 1;
  int rows = 1;
  bool with_start = false;
  bool with_residual = false;

  int window() const { return shape.kernel * shape.kernel; }
  int group_channels() const { return shape.channels / shape.groups; }
};

/// Channels of a group are 1 to `most_chunks` times `chunk`; slopes are 0.01 and `other_slope`.
inline DeviceCase random_device_case(int chunk, int most_chunks, float other_slope, int most_positions,
                                     std::mt19937& generator) {
  DeviceCase random;
  random.shape.kernel = random_int(1, 3, generator);
  random.shape.groups = random_int(0, 2, generator) == 0 ? 2 : 1;
  random.shape.channels = random.shape.groups * chunk * random_int(1, most_chunks, generator);
  random.shape.out_channels = random.shape.groups * 8 * random_int(1, 19, generator);
  random.shape.slope = random_int(0, 1, generator) == 1 ? 0.01f : other_slope;
  // Rows that divide a tile, that do not, and that are as many as a tile has or more.
  const int row_counts[] = {1, 3, 16, 45, 128, 150};
  random.rows = row_counts[random_int(0, 5, generator)];
  random.positions = random_int(1, random.rows > 40 ? 4 : most_positions, generator);
  random.with_start = random_int(0, 1, generator) == 1;
  random.with_residual = random_int(0, 1, generator) == 1;
  return random;
}

/// One that reads pixels, with windows of up to 11 x 11 taps.
inline DeviceCase random_pixel_case(float other_slope, int most_positions, std::mt19937& generator) {
  DeviceCase random = random_device_case(kPixelChannels, 1, other_slope, most_positions, generator);
  const int kernels[] = {1, 3, 4, 7, 7, 11};
  random.shape.kernel = kernels[random_int(0, 5, generator)];
  random.shape.channels = kPixelChannels;
  random.shape.groups = 1;
  return random;
}

/// What the case says of a convolution's arguments.
inline kernels::ConvolutionArguments arguments_of(const DeviceCase& c) {
  kernels::ConvolutionArguments arguments;
  arguments.rows = c.rows;
  arguments.groups = c.shape.groups;
  arguments.group_channels = c.group_channels();
  arguments.group_columns = c.shape.out_channels / c.shape.groups;
  arguments.window = c.window();
  arguments.slope = c.shape.slope;
  return arguments;
}

/// A list whose positions use random taps of a window, in rising order.
struct RandomList {
  std::vector<std::int32_t> output, first_tap{0}, start;
  std::vector<Tap> taps, residual;

  RandomList(int positions, int channels, int columns, int window, int least_taps, bool with_start,
             bool with_residual, std::mt19937& generator) {
    const auto random_tap = [&](int width, int weight) {
      return Tap{random_int(0, kBlocks - 1, generator) * width, static_cast<std::int16_t>(weight),
                 static_cast<Source>(random_int(0, 2, generator))};
    };
    for (int p = 0; p < positions; ++p) {
      output.push_back(p * columns);
      std::vector<int> weights(window);
      std::iota(weights.begin(), weights.end(), 0);
      std::shuffle(weights.begin(), weights.end(), generator);
      weights.resize(random_int(least_taps, window, generator));
      std::sort(weights.begin(), weights.end());
      for (const int weight : weights) taps.push_back(random_tap(channels, weight));
      first_tap.push_back(static_cast<std::int32_t>(taps.size()));
      if (with_residual) residual.push_back(random_tap(columns, 0));
      if (with_start) start.push_back(random_int(-1, 3, generator));
    }
  }

  kernels::DeviceWork device() const {
    return {output.data(),
            first_tap.data(),
            taps.data(),
            start.empty() ? nullptr : start.data(),
            residual.empty() ? nullptr : residual.data(),
            static_cast<int>(output.size())};
  }
  kernels::PositionWork host() const { return {output, first_tap, taps, start, residual}; }
};

/// By the CPU's plain loops, [row][output channel of the list's positions], from values of `rows` rows.
/// Weights are in the checkpoint's order, start sums with the bias.
template <class Input, class Residual>
std::vector<float> plain_convolution(const kernels::ConvolutionShape& shape,
                                     const std::vector<float>& weights, const std::vector<float>& bias,
                                     const kernels::PositionWork& work, int rows, const Input& input,
                                     const Residual& residual, const std::vector<float>& starts,
                                     int start_stride, float slope) {
  const std::int64_t row_size = std::int64_t{work.positions()} * shape.out_channels;
  std::vector<float> output = poisoned(row_size * rows);
  for (int first = 0; first < rows; first += kernels::kMaxRows) {
    const int count = std::min(kernels::kMaxRows, rows - first);
    const kernels::RowPointers inputs = input.pointers(first, count);
    const kernels::RowPointers residuals = residual.pointers(first, count);
    float* to[kernels::kMaxRows];
    for (int r = 0; r < count; ++r) to[r] = output.data() + (first + r) * row_size;
    kernels::position_convolution_reference(shape, weights.data(), bias.data(), work, count, inputs,
                                            &residuals, starts.data(), start_stride, slope, to);
  }
  return output;
}

}  // namespace backdrop::test
