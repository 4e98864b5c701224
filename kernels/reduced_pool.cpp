// Loops over channels that the compiler vectorises.
#include "kernels/reduced_pool.h"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace backdrop::kernels {
namespace {

// Channels that are pooled together. Their number is known to the compiler, and results are kept apart from
// what is read: stored bytes might be anything, the number of channels as well.
constexpr int kLanes = 64;

// `Ordered` compares as the numbers do.
template <class Stored>
struct Integers {
  using Element = Stored;
  using Ordered = Stored;
  using Sum = std::int32_t;
  static Ordered ordered(Element value) { return value; }
  static Element element(Ordered value) { return value; }
  static Sum number(Element value) { return value; }
  static float real(Element value, const ValueScale& scale) { return to_float(value, scale); }
  static float mean(Sum sum, float share, const ValueScale& scale) {
    return scale.scale * (static_cast<float>(sum) * share - scale.zero);
  }
};

struct Int8 : Integers<std::uint8_t> {
  static Element stored(float value, const ValueScale& scale) { return to_uint8(value, scale); }
};

struct Int16 : Integers<std::int16_t> {
  static Element stored(float value, const ValueScale& scale) { return to_int16(value, scale); }
};

struct Bfloat16 {
  using Element = Bf16;
  using Ordered = std::int16_t;
  using Sum = float;
  // Bits behind the sign count downwards in what is negative.
  static Ordered ordered(Element value) {
    const auto bits = static_cast<Ordered>(value);
    return static_cast<Ordered>(bits ^ (bits >> 15 & 0x7fff));
  }
  static Element element(Ordered value) { return static_cast<Element>(ordered(static_cast<Element>(value))); }
  static Sum number(Element value) { return to_float(value); }
  static float real(Element value, const ValueScale&) { return to_float(value); }
  static float mean(Sum sum, float share, const ValueScale&) { return sum * share; }
  static Element stored(float value, const ValueScale&) { return to_bf16(value); }
};

// Calls body(row, first channel, channels) for whole kLanes of each row, with their number as a constant,
// and for the rest.
template <class Body>
void for_each_lanes(int rows, int channels, const Body& body) {
  for (int row = 0; row < rows; ++row) {
    int channel = 0;
    for (; channel + kLanes <= channels; channel += kLanes)
      body(row, channel, std::integral_constant<int, kLanes>());
    if (channel < channels) body(row, channel, channels - channel);
  }
}

// Not inlined: GCC would take several taps in one pass over the channels, one channel at a time.
template <class Kind, class Count>
[[gnu::noinline]] void keep_larger(const typename Kind::Element* in, Count count,
                                   typename Kind::Ordered* largest) {
  for (int c = 0; c < count; ++c) largest[c] = std::max(largest[c], Kind::ordered(in[c]));
}

template <class Kind, class Count>
[[gnu::noinline]] void add_numbers(const typename Kind::Element* in, Count count, typename Kind::Sum* sums) {
  for (int c = 0; c < count; ++c) sums[c] += Kind::number(in[c]);
}

template <class Kind>
void max_pool(const ReducedPool& pool, const PositionWork& work, int rows, const RowPointers& input,
              void* const* output) {
  using Element = typename Kind::Element;
  using Ordered = typename Kind::Ordered;
  for (int p = 0; p < work.positions(); ++p) {
    const auto taps = work.taps_of(p);
    for_each_lanes(rows, pool.channels, [&](int row, int channel, auto count) {
      Ordered largest[kLanes];
      std::fill_n(largest, kLanes, std::numeric_limits<Ordered>::lowest());
      for (const Tap& tap : taps) keep_larger<Kind>(input.at<Element>(tap, row) + channel, count, largest);
      const std::ptrdiff_t place = std::ptrdiff_t{work.output[p]} + channel;
      if (pool.kind == DotOutput::stored) {
        Element* out = static_cast<Element*>(output[row]) + place;
        for (int c = 0; c < count; ++c) out[c] = Kind::element(largest[c]);
      } else {
        float* out = static_cast<float*>(output[row]) + place;
        for (int c = 0; c < count; ++c) out[c] = Kind::real(Kind::element(largest[c]), pool.input);
      }
    });
  }
}

template <class Kind>
void average_pool(const ReducedPool& pool, const PositionWork& work, int rows, const RowPointers& input,
                  void* const* output) {
  using Element = typename Kind::Element;
  for (int p = 0; p < work.positions(); ++p) {
    const auto taps = work.taps_of(p);
    const float share = 1.0f / static_cast<float>(taps.size());
    for_each_lanes(rows, pool.channels, [&](int row, int channel, auto count) {
      typename Kind::Sum sums[kLanes] = {};
      for (const Tap& tap : taps) add_numbers<Kind>(input.at<Element>(tap, row) + channel, count, sums);
      const std::ptrdiff_t place = std::ptrdiff_t{work.output[p]} + channel;
      if (pool.kind == DotOutput::real) {
        float* out = static_cast<float*>(output[row]) + place;
        for (int c = 0; c < count; ++c) out[c] = Kind::mean(sums[c], share, pool.input);
      } else {
        Element* out = static_cast<Element*>(output[row]) + place;
        for (int c = 0; c < count; ++c)
          out[c] = Kind::stored(Kind::mean(sums[c], share, pool.input), pool.output);
      }
    });
  }
}

// Calls `body` with the kind of element.
template <class Body>
void with_kind(Precision precision, const Body& body) {
  switch (precision) {
    case Precision::int8:
      return body(Int8());
    case Precision::int16:
      return body(Int16());
    default:
      return body(Bfloat16());
  }
}

}  // namespace

void reduced_max_pool(const ReducedPool& pool, const PositionWork& work, int rows, const RowPointers& input,
                      void* const* output) {
  with_kind(pool.precision, [&](auto kind) { max_pool<decltype(kind)>(pool, work, rows, input, output); });
}

void reduced_average_pool(const ReducedPool& pool, const PositionWork& work, int rows,
                          const RowPointers& input, void* const* output) {
  with_kind(pool.precision,
            [&](auto kind) { average_pool<decltype(kind)>(pool, work, rows, input, output); });
}

}  // namespace backdrop::kernels
